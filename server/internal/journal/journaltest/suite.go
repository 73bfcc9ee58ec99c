// Package journaltest says in tests what the documentation of [chat.Journal]
// says in words. Every journal passes [Run]; one that bounds its rooms by count
// also passes [RunRetention].
//
// The suite knows no adapter: deliveries to a tail may come after Append has
// returned, sequences may have any gaps, and an epoch is any text.
package journaltest

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

// patience bounds the wait for what is sure to come, in a journal that works.
const patience = 10 * time.Second

// everything is a limit that no test of this package reaches.
const everything = 1 << 20

// Run checks the journals that open returns. Each is empty, keeps all that the
// suite stores in it, and is closed by the suite.
func Run(t *testing.T, open func(t *testing.T) chat.Journal) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, j chat.Journal)
	}{
		{"AppendStores", testAppendStores},
		{"AppendCopiesThePayload", testAppendCopies},
		{"SequencesGrowOverAllRooms", testSequencesGrow},
		{"ConcurrentAppendersGetOneOrder", testConcurrentAppenders},
		{"RepeatedKeyIsADuplicate", testRepeatedKey},
		{"RepeatedKeyAtOnceIsStoredOnce", testRepeatedKeyAtOnce},
		{"KeysAreOpaque", testKeysAreOpaque},
		{"SubmitKeepsOrder", testSubmitKeepsOrder},
		{"SubmitDuplicates", testSubmitDuplicates},
		{"RoomsAreSeparate", testRoomsAreSeparate},
		{"Read", testRead},
		{"ReadBack", testReadBack},
		{"ReadInPages", testReadInPages},
		{"TailGetsEverythingInOrder", testTailInOrder},
		{"TailsOfOneRoom", testSeveralTails},
		{"TailBeginsNow", testTailBeginsNow},
		{"TailStops", testTailStops},
		{"TailStopsUnderLoad", testTailStopsUnderLoad},
		{"AttachThenReadMissesNothing", testAttachThenRead},
		{"Head", testHead},
		{"Rooms", testRooms},
		{"Erase", testErase},
		{"EraseTheOldest", testEraseOldest},
		{"EraseWhatIsNotThere", testEraseNothing},
		{"ErasedKeyIsADuplicate", testErasedKey},
		{"EraseMany", testEraseMany},
		{"EraseAtOnce", testEraseAtOnce},
		{"EraseUnderLoad", testEraseUnderLoad},
		{"CancelledContext", testCancelledContext},
		{"Model", testModel},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, opened(t, open)) })
	}
	t.Run("EpochsDiffer", func(t *testing.T) { testEpochsDiffer(t, opened(t, open), opened(t, open)) })
	t.Run("CloseRefusesWork", func(t *testing.T) { testCloseRefuses(t, open(t)) })
	t.Run("SubmitAcrossClose", func(t *testing.T) {
		for range 5 { // at a different moment each time
			testSubmitAcrossClose(t, open(t))
		}
	})
	t.Run("CloseWaitsForTails", func(t *testing.T) { testCloseWaits(t, open(t)) })
	t.Run("CloseEndsTailsUnderLoad", func(t *testing.T) {
		for range 5 { // at a different moment each time
			testCloseUnderLoad(t, open(t))
		}
	})
}

// opened returns a journal that is closed when the test ends.
func opened(t *testing.T, open func(t *testing.T) chat.Journal) chat.Journal {
	j := open(t)
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return j
}

// appended is an event as its appender knows it.
type appended struct {
	sequence uint64
	payload  string
}

// add appends an event that must be new.
func add(t testing.TB, j chat.Journal, room, key, payload string) appended {
	t.Helper()
	at, duplicate, err := j.Append(t.Context(), room, key, []byte(payload))
	if err != nil || duplicate {
		t.Fatalf("Append(%q, %q) = %v, %t, %v, want a new event", room, key, at, duplicate, err)
	}
	return appended{at.Sequence, payload}
}

// addAll appends n events with keys and payloads of their own.
func addAll(t testing.TB, j chat.Journal, room string, n int) []appended {
	t.Helper()
	all := make([]appended, n)
	for i := range all {
		text := fmt.Sprintf("%s/%d", room, i)
		all[i] = add(t, j, room, text, text)
	}
	return all
}

func read(t testing.TB, j chat.Journal, room string, after uint64, limit int) []chat.Stored {
	t.Helper()
	got, err := j.Read(t.Context(), room, after, limit)
	if err != nil {
		t.Fatalf("Read(%q, %d, %d) = %v, want nil", room, after, limit, err)
	}
	return got
}

func readBack(t testing.TB, j chat.Journal, room string, before uint64, limit int) []chat.Stored {
	t.Helper()
	got, err := j.ReadBack(t.Context(), room, before, limit)
	if err != nil {
		t.Fatalf("ReadBack(%q, %d, %d) = %v, want nil", room, before, limit, err)
	}
	return got
}

func headOf(t testing.TB, j chat.Journal, room string) chat.Head {
	t.Helper()
	head, err := j.Head(t.Context(), room)
	if err != nil {
		t.Fatalf("Head(%q) = %v, want nil", room, err)
	}
	return head
}

// chain returns events as a journal stores them: each knows the one before it,
// and the first knows previous.
func chain(previous uint64, events []appended) []chat.Stored {
	stored := make([]chat.Stored, len(events))
	for i, e := range events {
		stored[i] = chat.Stored{Sequence: e.sequence, Previous: previous, Payload: []byte(e.payload)}
		previous = e.sequence
	}
	return stored
}

func same(a, b chat.Stored) bool {
	return a.Sequence == b.Sequence && a.Previous == b.Previous && string(a.Payload) == string(b.Payload)
}

// sameEvents fails the test unless got is want.
func sameEvents(t testing.TB, call string, got, want []chat.Stored) {
	t.Helper()
	if !slices.EqualFunc(got, want, same) {
		t.Fatalf("%s = %s, want %s", call, describe(got), describe(want))
	}
}

func describe(events []chat.Stored) string {
	text := "["
	for i, e := range events {
		if i == 20 {
			return fmt.Sprintf("%s … %d in all]", text, len(events))
		}
		text += fmt.Sprintf(" %d(after %d)=%.20q", e.Sequence, e.Previous, e.Payload)
	}
	return text + " ]"
}

// recorder is the function of a tail that keeps what it is called with.
type recorder struct {
	changed chan struct{} // capacity 1
	calls   atomic.Int32  // calls that have not returned
	stopped atomic.Bool   // no call is allowed any more

	mu       sync.Mutex // guards below
	got      []chat.Stored
	mistakes []string
}

func newRecorder() *recorder { return &recorder{changed: make(chan struct{}, 1)} }

func (r *recorder) call(events []chat.Stored) {
	overlaps := r.calls.Add(1) > 1
	stopped := r.stopped.Load()
	runtime.Gosched() // gives calls that would overlap a chance to do so
	r.mu.Lock()
	if overlaps {
		r.mistakes = append(r.mistakes, fmt.Sprintf("call with %s overlaps another", describe(events)))
	}
	if stopped || r.stopped.Load() {
		r.mistakes = append(r.mistakes, fmt.Sprintf("call with %s after the end of the tail", describe(events)))
	}
	r.got = append(r.got, events...)
	r.mu.Unlock()
	r.calls.Add(-1)
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// tail starts a tail that is stopped when the test ends.
func tail(t testing.TB, j chat.Journal, room string) *recorder {
	t.Helper()
	r, stop := startTail(t, j, room)
	t.Cleanup(stop)
	return r
}

func startTail(t testing.TB, j chat.Journal, room string) (*recorder, func()) {
	t.Helper()
	r := newRecorder()
	stop, err := j.Tail(t.Context(), room, r.call)
	if err != nil {
		t.Fatalf("Tail(%q) = %v, want nil", room, err)
	}
	return r, stop
}

func (r *recorder) events() []chat.Stored {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// wait returns the first n events, once they have come.
func (r *recorder) wait(t testing.TB, n int) []chat.Stored {
	t.Helper()
	r.waitFor(t, fmt.Sprintf("%d events", n), func(got []chat.Stored) bool { return len(got) >= n })
	return r.events()[:n]
}

// waitUntil waits for the event with this sequence, or one after it.
func (r *recorder) waitUntil(t testing.TB, sequence uint64) {
	t.Helper()
	r.waitFor(t, fmt.Sprintf("the event %d", sequence), func(got []chat.Stored) bool {
		return len(got) > 0 && got[len(got)-1].Sequence >= sequence
	})
}

func (r *recorder) waitFor(t testing.TB, what string, enough func([]chat.Stored) bool) {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for !enough(r.events()) {
		select {
		case <-r.changed:
		case <-timeout.C:
			t.Fatalf("the tail got %s in %v, want %s", describe(r.events()), patience, what)
		}
	}
}

// check fails the test for calls that should not have been made.
func (r *recorder) check(t testing.TB) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, mistake := range r.mistakes {
		t.Errorf("tail: %s", mistake)
	}
}
