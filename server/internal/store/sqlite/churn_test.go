package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/testenv"
)

// churn is a store under random work, and what each of its rooms should hold.
type churn struct {
	t      *testing.T
	s      *Store
	config Config
	random *rand.Rand
	rooms  map[string][]churned // what is retained, oldest first
	gone   map[string]bool      // texts that were erased or evicted
	n      int
}

type churned struct {
	seq    uint64
	target uint64
	text   string
}

// text returns a text that is in no other event, of a size that is sometimes more
// than a page.
func (c *churn) text() string {
	c.n++
	size := c.random.IntN(200)
	if c.random.IntN(200) == 0 {
		size = c.random.IntN(20_000)
	}
	return fmt.Sprintf("secret-%07d-%s", c.n, strings.Repeat("y", size))
}

// round submits many entries at once: most to busy rooms, some to a room that is
// never full, and some that erase.
func (c *churn) round(n int) {
	c.t.Helper()
	entries := make([]chat.Entry, n)
	for i := range entries {
		room := fmt.Sprint("busy-", c.random.IntN(3))
		if c.random.IntN(50) == 0 {
			room = fmt.Sprint("cold-", c.random.IntN(30))
		}
		entries[i] = chat.Entry{Room: room, Key: fmt.Sprint("key-", c.n), Payload: []byte(c.text()), Counted: true}
		events := c.rooms[room]
		if len(events) == 0 {
			continue
		}
		target := events[c.random.IntN(len(events))].seq
		switch c.random.IntN(10) {
		case 0, 1, 2, 3:
			entries[i].Relation, entries[i].Target = chat.Erases, target
		case 4:
			entries[i].Relation, entries[i].Target = chat.Revises, target
		case 5:
			entries[i].Relation, entries[i].Target = chat.Annotates, target
		}
	}
	for i, a := range c.submit(entries) {
		c.note(entries[i], a)
	}
}

// submit submits entries at once and waits for their outcomes.
func (c *churn) submit(entries []chat.Entry) []chat.Appended {
	outcomes := make([]chat.Appended, len(entries))
	var answered sync.WaitGroup
	for i, e := range entries {
		answered.Add(1)
		c.s.Submit(c.t.Context(), e, func(a chat.Appended) {
			outcomes[i] = a
			answered.Done()
		})
	}
	answered.Wait()
	return outcomes
}

// note follows what an entry does to its room.
func (c *churn) note(e chat.Entry, a chat.Appended) {
	c.t.Helper()
	events := c.rooms[e.Room]
	there := func() bool {
		return slices.ContainsFunc(events, func(o churned) bool { return o.seq == e.Target })
	}
	if a.Err != nil {
		if e.Target == 0 || there() {
			c.t.Fatalf("Submit(%q, %d on %d) = %v, want it stored", e.Room, e.Relation, e.Target, a.Err)
		}
		return
	}
	if e.Relation == chat.Erases {
		events = slices.DeleteFunc(events, func(o churned) bool {
			erased := o.seq == e.Target || o.target == e.Target
			if erased {
				c.gone[o.text] = true
			}
			return erased
		})
	}
	one := churned{seq: a.At.Sequence, text: string(e.Payload[:14])}
	if e.Relation == chat.Revises {
		one.target = e.Target
	}
	events = append(events, one)
	if len(events) > c.config.RoomEvents {
		c.gone[events[0].text] = true
		events = events[1:]
	}
	c.rooms[e.Room] = events
}

// check reads all rooms, and looks for texts that should be gone in all files.
func (c *churn) check() {
	c.t.Helper()
	for room, want := range c.rooms {
		got, err := c.s.Read(c.t.Context(), room, 0, maxRows)
		if err != nil {
			c.t.Fatalf("Read(%q) = %v, want nil", room, err)
		}
		if !slices.EqualFunc(got, want, func(a chat.Stored, b churned) bool {
			return a.Sequence == b.seq && string(a.Payload[:14]) == b.text
		}) {
			c.t.Fatalf("Read(%q) = %d events, want %d others", room, len(got), len(want))
		}
	}
}

// wantGone waits until no text that is gone is in a file. The writer overwrites
// and scrubs evicted events when it has time.
func (c *churn) wantGone() {
	c.t.Helper()
	if _, err := c.s.Scrub(c.t.Context()); err != nil {
		c.t.Fatalf("Scrub() = %v, want nil", err)
	}
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-poll.C {
		found := c.remains()
		if found == "" {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatal(found)
		}
	}
}

// remains describes a text that is gone and is in a file, if there is one.
func (c *churn) remains() string {
	found := ""
	err := filepath.WalkDir(c.config.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was renamed meanwhile, as the new high-water mark is
		}
		if err != nil {
			return err
		}
		mark := []byte("secret-")
		for at := bytes.Index(content, mark); at >= 0; {
			text := string(content[at:min(at+14, len(content))])
			if c.gone[text] {
				found = fmt.Sprintf("%s holds %q at byte %d, which is gone", filepath.Base(path), text, at)
			}
			next := bytes.Index(content[at+1:], mark)
			if next < 0 {
				break
			}
			at += 1 + next
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return found
}

func (c *churn) reopen() {
	c.t.Helper()
	if err := c.s.Close(); err != nil {
		c.t.Fatalf("Close() = %v, want nil", err)
	}
	if found := c.remains(); found != "" {
		c.t.Fatal("after Close: " + found)
	}
	c.s = start(c.t, c.config)
}

// What is erased or evicted is in no file, whatever SQLite did to the pages
// meanwhile, and the file does not grow with what was evicted.
func TestChurn(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &churn{
		t:      t,
		config: Config{Dir: t.TempDir(), RoomEvents: 700, NoFsync: true, indexEvery: 500, buryEvery: 300, segmentKeys: 200, staleEvery: time.Nanosecond},
		random: rand.New(rand.NewPCG(seed, 1)),
		rooms:  make(map[string][]churned),
		gone:   make(map[string]bool),
	}
	c.s = start(t, c.config)
	for i := range testenv.Rounds(40, 120) {
		c.round(500)
		if i%20 == 19 {
			c.check()
			c.wantGone()
		}
		if i%40 == 39 {
			c.reopen()
			c.check()
		}
	}
	for range 200 { // Reclaiming takes a step in each transaction.
		c.round(1)
	}
	c.s.Close()
	db, err := dial(c.config.path(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.integer(`SELECT count(*) FROM events`)
	if err != nil {
		t.Fatal(err)
	}
	live := 0
	for _, events := range c.rooms {
		live += len(events)
	}
	moved, err := db.integer(`SELECT count(*) FROM events WHERE seq IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	if limit := int64(live + live/2 + 6*leastDead); rows > limit || moved == 0 {
		t.Errorf("%d rows of which %d were moved, for %d events of %d, want at most %d", rows, moved, live, c.n, limit)
	}
	t.Logf("%d rows of which %d were moved, for %d events of %d", rows, moved, live, c.n)
}

// Events that are erased in any order leave no copies: neither theirs, nor of
// those beside them that are erased later.
func TestErasedInAnyOrder(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	const events, rounds = 5000, 12
	c := &churn{
		t:      t,
		config: Config{Dir: t.TempDir(), NoFsync: true},
		random: rand.New(rand.NewPCG(seed, 3)),
		gone:   make(map[string]bool),
	}
	c.s = start(t, c.config)
	defer closed(t, c.s)
	var entries []chat.Entry
	for i := range events {
		entries = append(entries, chat.Entry{Room: "room", Key: fmt.Sprint(i), Payload: []byte(c.text())})
	}
	c.submit(entries)
	order := c.random.Perm(events)
	for range rounds {
		entries = entries[:0]
		for _, i := range order[:events/(rounds+1)] {
			entries = append(entries, chat.Entry{Room: "room", Key: fmt.Sprint("erase-", i), Relation: chat.Erases, Target: uint64(i + 1)})
			c.gone[fmt.Sprintf("secret-%07d", i+1)] = true
		}
		order = order[events/(rounds+1):]
		for i, a := range c.submit(entries) {
			if a.Err != nil {
				t.Fatalf("erasing %d = %v, want nil", entries[i].Target, a.Err)
			}
		}
		if _, err := c.s.Scrub(t.Context()); err != nil {
			t.Fatalf("Scrub() = %v, want nil", err)
		}
		if found := c.remains(); found != "" {
			t.Fatal(found)
		}
	}
}
