package jetstream

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

// What was appended is there after a restart, under the same epoch, and a key
// that was used before is a duplicate still.
func TestRestartKeeps(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	for name, c := range map[string]Config{
		"embedded":          {Dir: filepath.Join(t.TempDir(), "events")},
		"embedded, NoFsync": {Dir: filepath.Join(t.TempDir(), "events"), NoFsync: true},
		"external":          {URL: s.fresh(t, s.addr)},
	} {
		t.Run(name, func(t *testing.T) {
			j := open(t, c)
			want := sayAll(t, j, "room", "first", 20)
			head, err := j.Head(t.Context(), "room")
			if err != nil {
				t.Fatalf("Head = %v, want nil", err)
			}
			for round := range 3 {
				closed(t, j)
				j = open(t, c)
				if got, err := j.Head(t.Context(), "room"); err != nil || got.Epoch != head.Epoch || got.Last != want[len(want)-1] {
					t.Errorf("Head after a restart = %+v, %v, want epoch %q and last %d", got, err, head.Epoch, want[len(want)-1])
				}
				for i, at := range want[:20] {
					got, duplicate, err := j.Append(t.Context(), "room", "first/"+strconv.Itoa(i), payload)
					if err != nil || !duplicate || got != (chat.Cursor{Epoch: head.Epoch, Sequence: at}) {
						t.Errorf("Append again after a restart = %v, %t, %v, want the duplicate of %d", got, duplicate, err, at)
					}
				}
				want = append(want, sayAll(t, j, "room", fmt.Sprint(round), 5)...)
				if got := sequences(t, j, "room"); !slices.Equal(got, want) {
					t.Errorf("Read after a restart = %v, want %v", got, want)
				}
			}
		})
	}
}

// Two nodes that append to the same rooms keep one chain in each, and store what
// is sent through both at once only once.
func TestNodesShareRooms(t *testing.T) {
	t.Parallel()
	const senders, each, rooms = 8, 60, 3
	s := startNATS(t)
	url := s.fresh(t, s.addr)
	nodes := []*Journal{open(t, Config{URL: url}), open(t, Config{URL: url})}
	seen := follow(t, nodes[1], "room-0")
	var mu sync.Mutex // guards places
	places := make(map[string]uint64)
	stored := 0
	var wg sync.WaitGroup
	for sender := range senders {
		for _, j := range nodes {
			wg.Go(func() {
				for i := range each {
					room, key := fmt.Sprintf("room-%d", i%rooms), fmt.Sprintf("%d/%d", sender, i)
					at, duplicate, err := j.Append(t.Context(), room, key, []byte(key))
					if err != nil {
						t.Errorf("Append(%q, %q) = %v, want nil", room, key, err)
						return
					}
					mu.Lock()
					if first, again := places[key]; again && first != at.Sequence {
						t.Errorf("Append(%q) through two nodes = %d and %d, want one place", key, first, at.Sequence)
					}
					places[key] = at.Sequence
					if !duplicate {
						stored++
					}
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	if stored != senders*each {
		t.Errorf("%d events were said to be new, want %d", stored, senders*each)
	}
	all := 0
	for i := range rooms {
		got := sequences(t, nodes[0], fmt.Sprintf("room-%d", i))
		if other := sequences(t, nodes[1], fmt.Sprintf("room-%d", i)); !slices.Equal(got, other) {
			t.Errorf("the nodes read %v and %v, want the same", got, other)
		}
		if all += len(got); i == 0 {
			seen.wait(t, got)
		}
	}
	if all != senders*each {
		t.Errorf("%d events are in the rooms, want %d", all, senders*each)
	}
}

// Retries that are stored in one batch with their first attempts, and with others
// of the room, are duplicates all the same.
func TestBatchWithDuplicates(t *testing.T) {
	t.Parallel()
	const senders, keys = 64, 60
	j := open(t, Config{})
	var wg sync.WaitGroup
	var mu sync.Mutex // guards places
	places := make(map[string]uint64)
	for range senders {
		wg.Go(func() {
			for i := range keys {
				key := strconv.Itoa(i)
				at, _, err := j.Append(t.Context(), "room", key, []byte(key))
				if err != nil {
					t.Errorf("Append(%q) = %v, want nil", key, err)
				}
				mu.Lock()
				if first, again := places[key]; again && first != at.Sequence {
					t.Errorf("Append(%q) again = %d, want %d", key, at.Sequence, first)
				}
				places[key] = at.Sequence
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if got := sequences(t, j, "room"); len(got) != keys {
		t.Errorf("Read = %d events, want %d", len(got), keys)
	}
}
