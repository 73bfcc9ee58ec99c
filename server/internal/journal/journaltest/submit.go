package journaltest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

// answers are what Submit has answered, in the order of its doing so.
type answers struct {
	waiting sync.WaitGroup

	mu  sync.Mutex // guards below
	all map[string]chat.Appended
	t   *testing.T
}

// submit submits something by its key, which must be answered once.
func (a *answers) submit(j chat.Journal, room, key string) {
	a.waiting.Add(1)
	j.Submit(a.t.Context(), room, key, []byte(key), func(got chat.Appended) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.all == nil {
			a.all = make(map[string]chat.Appended)
		}
		if _, twice := a.all[key]; twice {
			a.t.Errorf("Submit(%q) was answered twice", key)
		}
		a.all[key] = got
		a.waiting.Done()
	})
}

// testSubmitKeepsOrder has several goroutines submit without waiting. Each one's
// events must be stored in its order, where the answers say.
func testSubmitKeepsOrder(t *testing.T, j chat.Journal) {
	const submitters, each = 4, 100
	var wg sync.WaitGroup
	all := make([]*answers, submitters)
	for s := range all {
		all[s] = &answers{t: t}
		wg.Go(func() {
			for i := range each {
				all[s].submit(j, fmt.Sprint("room-", i%2), fmt.Sprintf("%d of %d", i, s))
			}
			all[s].waiting.Wait()
		})
	}
	wg.Wait()
	stored := make(map[string]uint64) // sequence by payload
	for _, room := range []string{"room-0", "room-1"} {
		for _, e := range read(t, j, room, 0, everything) {
			stored[string(e.Payload)] = e.Sequence
		}
	}
	if len(stored) != submitters*each {
		t.Errorf("%d events are stored, want %d", len(stored), submitters*each)
	}
	for s, a := range all {
		last := [2]uint64{}
		for i := range each {
			key := fmt.Sprintf("%d of %d", i, s)
			got := a.all[key]
			if got.Err != nil || got.Duplicate || got.At.Epoch == "" || got.At.Sequence != stored[key] || got.At.Sequence <= last[i%2] {
				t.Fatalf("Submit(%q) was answered %+v, and it is at %d, after %d of the same room", key, got, stored[key], last[i%2])
			}
			last[i%2] = got.At.Sequence
		}
	}
}

// testSubmitDuplicates submits one key again while the first is on its way.
func testSubmitDuplicates(t *testing.T, j chat.Journal) {
	first := add(t, j, "room", "0", "payload")
	var a answers
	a.t = t
	for i := range 20 {
		a.submit(j, "room", fmt.Sprint(i))
	}
	a.waiting.Wait()
	if got := a.all["0"]; got.Err != nil || !got.Duplicate || got.At.Sequence != first.sequence {
		t.Errorf("Submit of a key that is taken = %+v, want a duplicate of %d", got, first.sequence)
	}
	var payloads, want []string
	for _, e := range read(t, j, "room", 0, everything) {
		payloads = append(payloads, string(e.Payload))
	}
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
	}
	want[0] = "payload"
	if !slices.Equal(payloads, want) {
		t.Errorf("the room holds %q, want %q", payloads, want)
	}
}

// testSubmitAcrossClose closes while events are being submitted: each is answered,
// those before the close with a place, those after it with an error.
func testSubmitAcrossClose(t *testing.T, j chat.Journal) {
	a := &answers{t: t}
	var wg sync.WaitGroup
	for s := range 4 {
		wg.Go(func() {
			for i := range 300 {
				a.submit(j, "room", fmt.Sprintf("%d of %d", i, s))
			}
		})
	}
	if err := j.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
	wg.Wait()
	a.waiting.Wait()
	for key, got := range a.all {
		if got.Err != nil && !errors.Is(got.Err, chat.ErrJournalClosed) {
			t.Errorf("Submit(%q) across Close = %v, want a place or %v", key, got.Err, chat.ErrJournalClosed)
		}
	}
}
