package memory

import (
	"slices"
	"sync"
)

// feed calls listeners with what happens, in order. Code that adds to pending calls
// deliver after releasing the mutex that guards the feed.
type feed[T any] struct {
	delivering sync.Mutex // held while functions of listeners run; taken before the guard

	// Guarded by the mutex of the feed's owner.
	listeners []*listener[T] // replaced, never changed in place
	pending   []T            // what the listeners have yet to be called with
}

type listener[T any] struct {
	fn      func([]T)
	matches func(T) bool
}

func (f *feed[T]) used() bool { return len(f.listeners) > 0 }

// listen adds a listener for what matches. It is called with the guard held.
func (f *feed[T]) listen(guard *sync.Mutex, fn func([]T), matches func(T) bool) (stop func()) {
	l := &listener[T]{fn, matches}
	f.listeners = append(slices.Clip(f.listeners), l)
	return func() {
		f.delivering.Lock()
		defer f.delivering.Unlock()
		guard.Lock()
		defer guard.Unlock()
		f.listeners = slices.DeleteFunc(slices.Clone(f.listeners), func(other *listener[T]) bool { return other == l })
	}
}

// deliver calls the listeners with what is pending: what the caller has added, or
// others while the functions ran. Holding delivering, and the guard only to take a
// batch, keeps the order without holding up other feeds.
func (f *feed[T]) deliver(guard *sync.Mutex) {
	f.delivering.Lock()
	defer f.delivering.Unlock()
	guard.Lock()
	batch, listeners := f.pending, f.listeners
	f.pending = nil
	guard.Unlock()
	for _, l := range listeners {
		if values := l.matching(batch); len(values) > 0 {
			l.fn(values)
		}
	}
}

// end removes all listeners. It is called with the guard held.
func (f *feed[T]) end() { f.listeners, f.pending = nil, nil }

// await returns when no function of a listener is running.
func (f *feed[T]) await() {
	f.delivering.Lock()
	defer f.delivering.Unlock()
}

func (l *listener[T]) matching(batch []T) []T {
	others := func(v T) bool { return !l.matches(v) }
	if !slices.ContainsFunc(batch, others) {
		return batch
	}
	return slices.DeleteFunc(slices.Clone(batch), others)
}
