package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"chatroom/server/internal/chat"
)

// check compares the store to what was acknowledged, sends again what was not,
// and compares once more.
func (o *outage) check() {
	for _, room := range o.rooms {
		o.checkRoom(room)
	}
	o.checkRecords()
	if o.found() != nil || o.disk.isOff() {
		return
	}
	o.resolve()
	for _, room := range o.rooms {
		o.checkSettled(room)
	}
	o.checkErased()
	if o.random.IntN(4) == 0 {
		o.verify()
	}
}

// read returns the events of a room, and finds them in order.
func (o *outage) read(room string) ([]chat.Stored, bool) {
	ctx := context.Background()
	got, err := o.store.Read(ctx, room, 0, maxRows)
	if err != nil {
		o.fail("Read(%q) = %w, want nil", room, err)
		return nil, false
	}
	previous := uint64(0)
	for _, e := range got {
		if e.Previous != previous || e.Sequence <= previous {
			o.fail("room %q: event %d comes after %d, want after %d", room, e.Sequence, e.Previous, previous)
		}
		previous = e.Sequence
	}
	var back []chat.Stored
	for before := uint64(maxSequence); ; {
		page, err := o.store.ReadBack(ctx, room, before, 9)
		if err != nil {
			o.fail("ReadBack(%q) = %w, want nil", room, err)
			return nil, false
		}
		back = append(page, back...)
		if len(page) < 9 {
			break
		}
		before = page[0].Sequence
	}
	if !slices.EqualFunc(got, back, func(a, b chat.Stored) bool {
		return a.Sequence == b.Sequence && a.Previous == b.Previous && string(a.Payload) == string(b.Payload)
	}) {
		o.fail("room %q has %d events forward and %d others back", room, len(got), len(back))
	}
	return got, true
}

// checkRoom finds every event that must be in a room, and none that must not.
func (o *outage) checkRoom(room string) {
	got, ok := o.read(room)
	if !ok {
		return
	}
	gone := o.erased()
	o.mu.Lock()
	byText := make(map[string]*sentEntry)
	for _, e := range o.sent {
		byText[e.text] = e
	}
	o.mu.Unlock()
	there := make(map[*sentEntry]bool)
	for _, stored := range got {
		e := byText[string(stored.Payload[:min(textLength, len(stored.Payload))])]
		switch {
		case e == nil || e.Room != room || string(e.Payload) != string(stored.Payload):
			o.fail("room %q: event %d is none that was sent", room, stored.Sequence)
			return
		case there[e]:
			o.fail("room %q: event %d is there twice", room, stored.Sequence)
		case e.seq != 0 && e.seq != stored.Sequence:
			o.fail("room %q: %q is event %d, want %d", room, e.Key, stored.Sequence, e.seq)
		case gone[e]:
			o.fail("room %q: event %d is there, and was erased", room, stored.Sequence)
		}
		there[e] = true
		o.mu.Lock()
		e.seq = stored.Sequence
		o.mu.Unlock()
	}
	for _, e := range o.required(room) {
		if !there[e] {
			o.fail("room %q: event %d (%q) is lost", room, e.seq, e.Key)
		}
	}
}

// required returns the events of a room that were acknowledged and that neither
// retention nor an entry that may be stored can have removed.
func (o *outage) required(room string) (required []*sentEntry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	gone := o.erasedLocked(func(*sentEntry) bool { return true })
	unknown := 0
	var known []*sentEntry
	for _, e := range o.sent {
		switch {
		case e.Room != room || e.refused:
		case e.seq == 0:
			unknown++
			if e.acked {
				required = append(required, e)
			}
		default:
			known = append(known, e)
		}
	}
	slices.SortFunc(known, func(a, b *sentEntry) int { return cmp.Compare(b.seq, a.seq) })
	for _, e := range known[:min(len(known), max(0, o.config.RoomEvents-unknown))] {
		if e.acked && !gone[e] {
			required = append(required, e)
		}
	}
	return required
}

// resolve sends again what was not acknowledged, and some of what was: first what
// is there, and answered without a write.
func (o *outage) resolve() {
	o.mu.Lock()
	all := slices.Clone(o.sent)
	o.mu.Unlock()
	for _, there := range []bool{true, false} {
		for i, e := range all {
			sample := !e.acked || i >= len(all)-20 || o.random.IntN(len(all)) < 20
			if e.refused || !sample || there != (e.seq != 0) {
				continue
			}
			if o.resubmit(e); o.disk.isOff() {
				return
			}
		}
	}
}

// checkSettled compares a room to the model when the outcome of all entries is
// known.
func (o *outage) checkSettled(room string) {
	o.checkRoom(room)
	got, ok := o.read(room)
	if !ok || o.disk.isOff() {
		return
	}
	gone := o.erased()
	o.mu.Lock()
	var want []uint64
	counted := make(map[uint64]bool)
	ever := 0
	for _, e := range o.sent {
		if e.Room != room || e.refused {
			continue
		}
		if e.Counted {
			ever++
		}
		if !gone[e] {
			want = append(want, e.seq)
			counted[e.seq] = e.Counted
		}
	}
	o.mu.Unlock()
	slices.SortFunc(want, cmp.Compare)
	seqs := make([]uint64, len(got))
	n := 0
	for i, e := range got {
		seqs[i] = e.Sequence
		if counted[e.Sequence] {
			n++
		}
	}
	if len(seqs) > len(want) || !slices.Equal(seqs, want[len(want)-len(seqs):]) {
		o.fail("room %q has %d, want the last of %d", room, seqs, want)
	}
	if len(got) > 0 {
		o.checkCounts(room, n, ever, seqs)
	}
}

func (o *outage) checkCounts(room string, counted, ever int, seqs []uint64) {
	ctx := context.Background()
	if n, err := o.store.Count(ctx, room, 0, "bob", 1000); err != nil || n != counted {
		o.fail("Count(%q) = %d, %w, want %d", room, n, err, counted)
	}
	head, err := o.store.Head(ctx, room)
	if err != nil || head.First != seqs[0] || head.Last != seqs[len(seqs)-1] {
		o.fail("Head(%q) = %+v, %w, want %d to %d", room, head, err, seqs[0], seqs[len(seqs)-1])
	}
	heads, err := o.store.Rooms(ctx, "", maxRows)
	i := slices.IndexFunc(heads, func(h chat.RoomHead) bool { return h.Room == room })
	if err != nil || i < 0 || heads[i].Counted != uint64(ever) || heads[i].Last != head.Last {
		o.fail("Rooms() = %+v, %w, want room %q with %d counted events", heads, err, room, ever)
	}
}

// checkRecords finds records as they were acknowledged, or as a write left them
// that was not.
func (o *outage) checkRecords() {
	for key, r := range o.records {
		got, err := o.store.Get(context.Background(), key)
		if err != nil && !errors.Is(err, chat.ErrNoRecord) {
			o.fail("Get(%q) = %w, want a record", key, err)
			return
		}
		same := string(got.Value) == r.value && got.Revision == r.revision
		if r.value == "" {
			same = err != nil
		}
		pending := r.pending != nil && string(got.Value) == *r.pending && (*r.pending == "" || got.Revision > r.revision)
		if !same && !pending {
			o.fail("Get(%q) = %q at %d, want %q at %d", key, got.Value, got.Revision, r.value, r.revision)
		}
		if o.disk.isOff() {
			return
		}
		r.value, r.revision, r.pending = string(got.Value), got.Revision, nil
		o.highest = max(o.highest, got.Revision)
	}
}

// checkErased finds no text that is erased in any file, once Scrub has returned.
func (o *outage) checkErased() {
	gone := o.erased()
	if o.scrub(); o.disk.isOff() {
		return
	}
	o.checkTexts(gone)
}

// checkScrubbed finds no text in what is left of which Scrub had promised it.
func (o *outage) checkScrubbed() {
	gone := make(map[*sentEntry]bool)
	for _, e := range o.acknowledged() {
		gone[e] = e.scrubbed
	}
	o.checkTexts(gone)
}

func (o *outage) checkTexts(gone map[*sentEntry]bool) {
	found, err := texts(o.disk.dir, textPrefix, textLength)
	if err != nil {
		o.t.Fatal(err)
	}
	for e, is := range gone {
		if file := found[e.text]; is && file != "" {
			o.fail("%s holds %q, which was erased", file, e.text)
		}
	}
}

// verify runs Verify.
func (o *outage) verify() {
	report, err := Verify(context.Background(), o.disk.dir)
	if err != nil || len(report.Findings) > 0 {
		o.fail("Verify() = %q, %w, want no findings", report.Findings, err)
	}
}

// texts returns the texts in the files of a directory that begin with a prefix
// and have a length, by text the file that holds it.
func texts(dir, prefix string, length int) (map[string]string, error) {
	found := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was renamed meanwhile
		}
		for rest := content; ; rest = rest[length:] {
			at := bytes.Index(rest, []byte(prefix))
			if at < 0 || len(rest) < at+length {
				break
			}
			rest = rest[at:]
			found[string(rest[:length])] = entry.Name()
		}
		return err
	})
	return found, err
}
