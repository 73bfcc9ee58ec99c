package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/testenv"
)

func runClose(t *testing.T, open func(t *testing.T) Store) {
	t.Run("CancelledContext", func(t *testing.T) { testCancelledContext(t, opened(t, open)) })
	t.Run("RefusesWork", func(t *testing.T) { testCloseRefuses(t, open(t)) })
	t.Run("WaitsForTails", func(t *testing.T) { testCloseWaits(t, open(t)) })
	for name, test := range map[string]func(t *testing.T, s Store){
		"SubmitAcross": testSubmitAcrossClose, "UnderLoad": testCloseUnderLoad, "WatchUnderLoad": testCloseWatched,
	} {
		t.Run(name, func(t *testing.T) {
			for range testenv.Rounds(1, 4) { // at a different moment each time
				test(t, open(t))
			}
		})
	}
}

// calls are all methods that can fail, with arguments that they don't fail for.
func calls(ctx context.Context, s Store) map[string]error {
	errs := make(map[string]error)
	submitted := make(chan error, 1)
	s.Submit(ctx, chat.Entry{Room: "room", Key: "refused"}, func(a chat.Appended) { submitted <- a.Err })
	errs["Submit"] = <-submitted
	_, errs["Read"] = s.Read(ctx, "room", 0, 1)
	_, errs["ReadBack"] = s.ReadBack(ctx, "room", maxSequence, 1)
	_, errs["Changes"] = s.Changes(ctx, "room", []uint64{1}, 0)
	_, errs["Count"] = s.Count(ctx, "room", 0, "", 1)
	_, errs["Head"] = s.Head(ctx, "room")
	_, errs["Rooms"] = s.Rooms(ctx, "", 1)
	_, errs["Scrub"] = s.Scrub(ctx)
	_, errs["Get"] = s.Get(ctx, "key")
	_, errs["Put"] = s.Put(ctx, "refused", nil, 0)
	errs["Delete"] = s.Delete(ctx, "key", 1)
	_, errs["List"] = s.List(ctx, "", "", 1)
	for name, begin := range map[string]func() (func(), error){
		"Tail":     func() (func(), error) { return s.Tail(ctx, "room", func([]chat.Stored) {}) },
		"Activity": func() (func(), error) { return s.Activity(ctx, func([]chat.RoomHead) {}) },
		"Watch":    func() (func(), error) { return s.Watch(ctx, "", func([]chat.Record) {}) },
	} {
		stop, err := begin()
		if errs[name] = err; err == nil {
			stop()
		}
	}
	return errs
}

func testCancelledContext(t *testing.T, s Store) {
	newWriter(t, s).add("room")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range calls(ctx, s) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context = %v, want %v", name, err, context.Canceled)
		}
	}
	if got := read(t, s, "room", 0, everything); len(got) != 1 {
		t.Errorf("Read after Submit with a cancelled context = %s, want the one event before it", describe(got))
	}
	wantNoRecord(t, s, "refused")
}

func testCloseRefuses(t *testing.T, s Store) {
	newWriter(t, s).add("room")
	_, stopTail := startTail(t, s, "room")
	_, stopWatch := startWatch(t, s, "")
	stopActivity, err := s.Activity(t.Context(), func([]chat.RoomHead) {})
	if err != nil {
		t.Fatalf("Activity = %v, want nil", err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
	for name, err := range calls(t.Context(), s) {
		if !errors.Is(err, chat.ErrStoreClosed) {
			t.Errorf("%s after Close = %v, want %v", name, err, chat.ErrStoreClosed)
		}
	}
	stopTail()
	stopActivity()
	stopWatch()
}

// testCloseWaits closes while functions run.
func testCloseWaits(t *testing.T, s Store) {
	release := make(chan struct{})
	entered := make(chan struct{}, 3)
	hold := func() {
		entered <- struct{}{}
		<-release
	}
	var held sync.WaitGroup
	_, err := s.Tail(t.Context(), "room", func([]chat.Stored) { hold() })
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	if _, err = s.Watch(t.Context(), "", func([]chat.Record) { hold() }); err != nil {
		t.Fatalf("Watch = %v, want nil", err)
	}
	held.Go(func() { _, _, _ = chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: "key"}) })
	held.Go(func() { _, _ = s.Put(t.Context(), "key", nil, 0) })
	await(t, entered)
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	wantWaiting(t, "Close()", closed)
	close(release)
	if err := <-closed; err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	held.Wait()
}

// testSubmitAcrossClose closes while events are being submitted: each is answered
// once, those before the close with a cursor, those after it with an error.
func testSubmitAcrossClose(t *testing.T, s Store) {
	var submitters sync.WaitGroup
	outcomes := make([][]chat.Appended, 4)
	begun := make(chan struct{}, 4)
	for k := range outcomes {
		submitters.Go(func() {
			var entries []chat.Entry
			for i := range 300 {
				entries = append(entries, chat.Entry{Room: "room", Key: fmt.Sprintf("%d of %d", i, k)})
			}
			begun <- struct{}{}
			outcomes[k] = submitAll(t, s, entries) // panics when answered twice
		})
	}
	<-begun
	if err := s.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	submitters.Wait()
	for k := range outcomes {
		refused := false
		for i, a := range outcomes[k] {
			if a.Err != nil && !errors.Is(a.Err, chat.ErrStoreClosed) {
				t.Fatalf("Submit across Close = %+v, want a cursor or %v", a, chat.ErrStoreClosed)
			}
			if refused && a.Err == nil {
				t.Fatalf("Submit %d of one goroutine = %+v after a refused one", i, a)
			}
			refused = a.Err != nil
		}
	}
}

// testCloseUnderLoad closes while others append: each gets an answer, and the
// tails are not called once Close has returned.
func testCloseUnderLoad(t *testing.T, s Store) {
	tails := []*tailed{newRecorder[chat.Stored](), newRecorder[chat.Stored]()}
	for _, r := range tails {
		if _, err := s.Tail(t.Context(), "room", r.call); err != nil {
			t.Fatalf("Tail = %v, want nil", err)
		}
	}
	heads := newRecorder[chat.RoomHead]()
	if _, err := s.Activity(t.Context(), heads.call); err != nil {
		t.Fatalf("Activity = %v, want nil", err)
	}
	var appenders sync.WaitGroup
	var closed atomic.Bool
	for a := range 6 {
		appenders.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d/%d", a, i)
				late := closed.Load()
				_, _, err := chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: key, Payload: []byte(key)})
				if errors.Is(err, chat.ErrStoreClosed) {
					return
				}
				if err != nil || late {
					t.Errorf("Append(%q) = %v, want nil or, after Close, %v", key, err, chat.ErrStoreClosed)
					return
				}
			}
		})
	}
	tails[0].wait(t, 60)
	if err := s.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	closed.Store(true)
	heads.stopped.Store(true)
	for _, r := range tails {
		r.stopped.Store(true)
	}
	appenders.Wait()
	heads.check(t)
	for _, r := range tails {
		r.check(t)
		previous := uint64(0)
		for _, e := range r.all() {
			if e.Previous != previous {
				t.Fatalf("Tail until Close has %d(after %d) behind %d, want no gap", e.Sequence, e.Previous, previous)
			}
			previous = e.Sequence
		}
	}
}

func testCloseWatched(t *testing.T, s Store) {
	seen := newRecorder[chat.Record]()
	if _, err := s.Watch(t.Context(), "", seen.call); err != nil {
		t.Fatalf("Watch = %v, want nil", err)
	}
	var writers sync.WaitGroup
	var closed atomic.Bool
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d/%d", w, i)
				late := closed.Load()
				_, err := s.Put(t.Context(), key, []byte(key), 0)
				if errors.Is(err, chat.ErrStoreClosed) {
					return
				}
				if err != nil || late {
					t.Errorf("Put(%q) = %v, want nil or, after Close, %v", key, err, chat.ErrStoreClosed)
					return
				}
			}
		})
	}
	seen.wait(t, 20)
	if err := s.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	closed.Store(true)
	seen.stopped.Store(true)
	writers.Wait()
	checkWatched(t, seen)
}
