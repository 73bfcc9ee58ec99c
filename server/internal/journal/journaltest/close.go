package journaltest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// calls are all methods that can fail, with arguments that they don't fail for.
func calls(ctx context.Context, j chat.Journal) map[string]error {
	errs := make(map[string]error)
	_, _, errs["Append"] = j.Append(ctx, "room", "refused", []byte("refused"))
	j.Submit(ctx, "room", "refused", []byte("refused"), func(a chat.Appended) { errs["Submit"] = a.Err })
	_, errs["Read"] = j.Read(ctx, "room", 0, 1)
	_, errs["ReadBack"] = j.ReadBack(ctx, "room", ^uint64(0), 1)
	_, errs["Head"] = j.Head(ctx, "room")
	_, errs["Rooms"] = j.Rooms(ctx, "", 1)
	errs["Erase"] = j.Erase(ctx, "room", 1)
	stop, err := j.Tail(ctx, "room", func([]chat.Stored) {})
	if errs["Tail"] = err; err == nil {
		stop()
	}
	return errs
}

func testCancelledContext(t *testing.T, j chat.Journal) {
	add(t, j, "room", "key", "payload")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range calls(ctx, j) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a cancelled context = %v, want %v", name, err, context.Canceled)
		}
	}
	if got := read(t, j, "room", 0, everything); len(got) != 1 {
		t.Errorf("Read after Append with a cancelled context = %s, want the one event before it", describe(got))
	}
}

func testCloseRefuses(t *testing.T, j chat.Journal) {
	add(t, j, "room", "key", "payload")
	_, stop := startTail(t, j, "room")
	if err := j.Close(); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
	for name, err := range calls(t.Context(), j) {
		if !errors.Is(err, chat.ErrJournalClosed) {
			t.Errorf("%s after Close = %v, want %v", name, err, chat.ErrJournalClosed)
		}
	}
	stop() // whoever listens ends after the journal does, if it won't stop in time
}

// testCloseWaits closes while a tail's function runs.
func testCloseWaits(t *testing.T, j chat.Journal) {
	entered, release := make(chan struct{}), make(chan struct{})
	var calls sync.WaitGroup
	_, err := j.Tail(t.Context(), "room", func([]chat.Stored) {
		close(entered)
		<-release
	})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	calls.Go(func() { _, _, _ = j.Append(t.Context(), "room", "key", []byte("payload")) })
	<-entered
	closed := make(chan error, 1)
	go func() { closed <- j.Close() }()
	// A journal that waits can't be told from one that is slow, but one that
	// does not wait is quick.
	hurry := time.NewTimer(100 * time.Millisecond)
	defer hurry.Stop()
	select {
	case err := <-closed:
		t.Errorf("Close() = %v during a call of a tail's function, want it to wait", err)
		closed <- err
	case <-hurry.C:
	}
	close(release)
	if err := <-closed; err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	calls.Wait()
}

// testCloseUnderLoad closes while others append: each gets an answer, and the
// tails are not called once Close has returned.
func testCloseUnderLoad(t *testing.T, j chat.Journal) {
	tails := []*recorder{newRecorder(), newRecorder()}
	for _, r := range tails {
		if _, err := j.Tail(t.Context(), "room", r.call); err != nil {
			t.Fatalf("Tail = %v, want nil", err)
		}
	}
	var appenders sync.WaitGroup
	for a := range 6 {
		appenders.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("%d/%d", a, i)
				_, _, err := j.Append(t.Context(), "room", key, []byte(key))
				if errors.Is(err, chat.ErrJournalClosed) {
					return
				}
				if err != nil {
					t.Errorf("Append(%q) = %v, want nil or %v", key, err, chat.ErrJournalClosed)
					return
				}
			}
		})
	}
	tails[0].wait(t, 100)
	if err := j.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	for _, r := range tails {
		r.stopped.Store(true)
	}
	appenders.Wait()
	for _, r := range tails {
		r.check(t)
		if got := r.events(); len(got) > 0 {
			for i := range got[1:] {
				if got[i+1].Previous != got[i].Sequence {
					t.Fatalf("Tail until Close has %d(after %d) behind %d, want no gap", got[i+1].Sequence, got[i+1].Previous, got[i].Sequence)
				}
			}
		}
	}
}
