package load

import "sync/atomic"

// maxUndelivered is how many messages may be on their way at once.
const maxUndelivered = 1 << 16

// window counts the messages that all subscribers have. The pool's goroutine reports
// deliveries, the publisher waits.
type window struct {
	fan  uint32   // how many subscribers receive each message
	ring []uint32 // how many have received it, by number

	done      uint64 // messages that all subscribers have, for the pool's goroutine
	completed atomic.Uint64
	wake      chan struct{} // capacity 1
}

func newWindow() *window {
	return &window{ring: make([]uint32, maxUndelivered), wake: make(chan struct{}, 1)}
}

// deliver takes note that one more subscriber has a message.
func (w *window) deliver(number uint64) {
	if w.fan == 1 {
		w.done++
		return
	}
	at := &w.ring[number%maxUndelivered]
	if *at++; *at == w.fan {
		*at = 0
		w.done++
	}
}

// publish lets the publisher know.
func (w *window) publish() {
	if w.completed.Swap(w.done) != w.done {
		w.stir()
	}
}

// stir wakes the publisher.
func (w *window) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}
