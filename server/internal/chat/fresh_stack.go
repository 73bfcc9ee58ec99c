package chat

// onFreshStack calls f on a goroutine of its own and waits for it. A stack that has
// grown stays with its goroutine: after one deep call into the journal each stream
// would hold 8 KiB more for as long as it lives. A panic of f is raised in the
// caller.
func onFreshStack(f func()) {
	ended := make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		f()
	}()
	if reason := <-ended; reason != nil {
		panic(reason)
	}
}
