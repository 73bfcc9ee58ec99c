package erasure_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/erasure"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDisk = errors.New("the disk is broken")

// scrubber is a journal that can only scrub.
type scrubber struct {
	chat.Journal
	scrub func(context.Context) (int, error)
	calls atomic.Int32
}

func (s *scrubber) Scrub(ctx context.Context) (int, error) {
	s.calls.Add(1)
	return s.scrub(ctx)
}

// add returns the channel on which the answer to a deletion arrives.
func add(e *erasure.Eraser) <-chan error {
	answer := make(chan error, 1)
	e.Add(func(delayed error) { answer <- delayed })
	return answer
}

func expect(t *testing.T, answer <-chan error, want error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-answer:
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("the answer is %v, want %v", err, want)
		}
	default:
		t.Errorf("there is no answer, want %v", want)
	}
}

func TestDeletionsShareAScrub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := make(chan struct{})
		journal := &scrubber{scrub: func(context.Context) (int, error) {
			<-begin
			return 1, nil
		}}
		e := erasure.Start(journal, slog.New(slog.DiscardHandler))
		defer e.Close()
		synctest.Wait() // the scrub for an earlier run has begun
		first, second := add(e), add(e)
		close(begin)
		expect(t, first, nil)
		expect(t, second, nil)
		if n := journal.calls.Load(); n != 2 {
			t.Errorf("the journal was scrubbed %d times, want 2", n)
		}
		if stats := e.Stats(); stats != (erasure.Stats{Erased: 2}) {
			t.Errorf("Stats = %+v, want 2 erased events", stats)
		}
	})
}

func TestFailedScrubIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		journal := &scrubber{scrub: func(context.Context) (int, error) {
			if broken.Load() {
				return 0, errDisk
			}
			return 1, nil
		}}
		e := erasure.Start(journal, slog.New(slog.DiscardHandler))
		defer e.Close()
		expect(t, add(e), errDisk)
		<-time.After(time.Minute)
		if stats := e.Stats(); stats.Pending != 1 || stats.Failures < 5 || stats.Failures > 10 {
			t.Errorf("Stats after a minute = %+v, want 1 pending and retries with growing pauses", stats)
		}
		broken.Store(false)
		<-time.After(2 * time.Minute)
		if stats := e.Stats(); stats.Pending != 0 || stats.Erased != 1 {
			t.Errorf("Stats after the repair = %+v, want 1 erased and none pending", stats)
		}
	})
}

// Erasing that takes long is logged once, and its end, too.
func TestLateErasingIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		journal := &scrubber{scrub: func(context.Context) (int, error) {
			<-release
			return 2, nil
		}}
		var log bytes.Buffer
		e := erasure.Start(journal, slog.New(slog.NewTextHandler(&log, nil)))
		defer e.Close()
		first, second := add(e), add(e)
		time.Sleep(time.Minute)
		synctest.Wait()
		if <-first == nil || <-second == nil {
			t.Error("a deletion is answered as if its target were erased")
		}
		if got := log.String(); strings.Count(got, "level=WARN") != 1 || !strings.Contains(got, "erasing deleted messages takes long") || !strings.Contains(got, "pending=2") {
			t.Errorf("the log is %q, want one line that erasing takes long", got)
		}
		log.Reset()
		close(release)
		synctest.Wait()
		third := add(e)
		expect(t, third, nil)
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "erasing deleted messages works again") {
			t.Errorf("the log is %q, want one line that erasing works again", got)
		}
	})
}

func TestDeletionDoesNotWaitForAHangingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := erasure.Start(&scrubber{scrub: func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		}}, slog.New(slog.DiscardHandler))
		answer, start := add(e), time.Now()
		if err := <-answer; err == nil || time.Since(start) != 10*time.Second {
			t.Errorf("the answer is %v after %v, want an error after 10 s", err, time.Since(start))
		}
		pending := add(e)
		e.Close()
		expect(t, pending, chat.ErrClosed)
		expect(t, add(e), chat.ErrClosed)
	})
}
