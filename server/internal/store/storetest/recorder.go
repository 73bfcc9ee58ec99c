package storetest

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// recorder is the function of a tail, an Activity or a watch: it keeps what it is
// called with.
type recorder[T any] struct {
	changed chan struct{} // capacity 1
	calls   atomic.Int32  // calls that have not returned
	stopped atomic.Bool   // no call is allowed any more

	mu       sync.Mutex // guards below
	got      []T
	mistakes []string
}

func newRecorder[T any]() *recorder[T] { return &recorder[T]{changed: make(chan struct{}, 1)} }

func (r *recorder[T]) call(values []T) {
	overlaps := r.calls.Add(1) > 1
	stopped := r.stopped.Load()
	runtime.Gosched() // gives calls that would overlap a chance to do so
	r.mu.Lock()
	if overlaps {
		r.mistakes = append(r.mistakes, fmt.Sprintf("call with %d values overlaps another", len(values)))
	}
	if stopped || r.stopped.Load() {
		r.mistakes = append(r.mistakes, fmt.Sprintf("call with %d values after the end", len(values)))
	}
	if len(values) == 0 {
		r.mistakes = append(r.mistakes, "call with nothing")
	}
	r.got = append(r.got, values...)
	r.mu.Unlock()
	r.calls.Add(-1)
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// all returns what the function was called with so far.
func (r *recorder[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// wait returns the first n values, once they have come.
func (r *recorder[T]) wait(t testing.TB, n int) []T {
	t.Helper()
	r.waitFor(t, fmt.Sprintf("%d values", n), func(got []T) bool { return len(got) >= n })
	return r.all()[:n]
}

func (r *recorder[T]) waitFor(t testing.TB, what string, enough func([]T) bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !enough(r.all()) {
		select {
		case <-r.changed:
		case <-timeout.C:
			t.Fatalf("the function got %+v in %v, want %s", r.all(), patience, what)
		}
	}
}

// await waits for a function to be called.
func await(t testing.TB, called <-chan struct{}) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case <-called:
	case <-timeout.C:
		t.Fatalf("no function was called in %v", patience)
	}
}

// check fails the test for calls that should not have been made.
func (r *recorder[T]) check(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, mistake := range r.mistakes {
		t.Error(mistake)
	}
}

type tailed = recorder[chat.Stored]

// tail starts a tail that is stopped when the test ends.
func tail(t testing.TB, s Store, room string) *tailed {
	t.Helper()
	r, stop := startTail(t, s, room)
	t.Cleanup(stop)
	return r
}

func startTail(t testing.TB, s Store, room string) (*tailed, func()) {
	t.Helper()
	r := newRecorder[chat.Stored]()
	stop, err := s.Tail(t.Context(), room, r.call)
	if err != nil {
		t.Fatalf("Tail(%q) = %v, want nil", room, err)
	}
	return r, stop
}

// waitUntil waits for the event with this sequence, or one after it.
func waitUntil(t testing.TB, r *tailed, sequence uint64) {
	t.Helper()
	r.waitFor(t, fmt.Sprintf("the event %d", sequence), func(got []chat.Stored) bool {
		return len(got) > 0 && got[len(got)-1].Sequence >= sequence
	})
}
