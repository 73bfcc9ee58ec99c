package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"chatroom/server/internal/chat"
)

// burst submits entries at once and waits for their outcomes.
func (o *outage) burst(random *rand.Rand, n int) {
	room := o.rooms[random.IntN(len(o.rooms))]
	targets := o.targets(room)
	outcomes := make([]chat.Appended, n)
	sent := make([]*sentEntry, n)
	var answered sync.WaitGroup
	for i := range sent {
		sent[i] = o.newEntry(random, room, targets)
		answered.Add(1)
		o.store.Submit(context.Background(), sent[i].Entry, func(a chat.Appended) {
			outcomes[i] = a
			answered.Done()
		})
	}
	answered.Wait()
	last := uint64(0)
	for i, a := range outcomes {
		if a.Err == nil && a.Duplicate {
			o.fail("Submit(%q) = a duplicate of %d, want a new event", sent[i].Key, a.At.Sequence)
		}
		o.note(sent[i], a)
		if a.Err == nil && a.At.Sequence <= last {
			o.fail("Submit(%q) = sequence %d after %d", sent[i].Key, a.At.Sequence, last)
		}
		last = max(last, a.At.Sequence)
	}
}

// targets returns the newest events of a room that were acknowledged.
func (o *outage) targets(room string) []uint64 {
	var seqs []uint64
	all := o.acknowledged()
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := len(all) - 1; i >= 0 && len(seqs) < 20; i-- {
		if all[i].Room == room && all[i].Relation != chat.Erases && all[i].seq != 0 {
			seqs = append(seqs, all[i].seq)
		}
	}
	return seqs
}

// newEntry returns an entry that is noted as sent.
func (o *outage) newEntry(random *rand.Rand, room string, targets []uint64) *sentEntry {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := fmt.Sprintf("%s%08d", textPrefix, len(o.sent))
	repeat := 1 + random.IntN(20)
	if random.IntN(60) == 0 {
		repeat = random.IntN(2000) // several pages
	}
	e := &sentEntry{text: text, Entry: chat.Entry{
		Room: room, Key: text, Payload: []byte(text + strings.Repeat(text, repeat)), Counted: true, Author: "ann",
	}}
	if len(targets) > 0 {
		target := targets[random.IntN(len(targets))]
		switch random.IntN(10) {
		case 0, 1:
			e.Relation, e.Target, e.Counted = chat.Erases, target, false
		case 2:
			e.Relation, e.Target, e.Counted = chat.Revises, target, false
		case 3:
			e.Relation, e.Target, e.Counted = chat.Annotates, target, false
		}
	}
	e.acked = o.early
	o.sent = append(o.sent, e)
	return e
}

// note takes the outcome of an entry.
func (o *outage) note(e *sentEntry, a chat.Appended) {
	switch {
	case o.excuses(a.Err):
		o.mu.Lock()
		e.denied = true
		o.mu.Unlock()
	case a.Err == nil:
		o.mu.Lock()
		known := e.seq
		e.seq, e.acked = a.At.Sequence, true
		o.mu.Unlock()
		if known != 0 && known != a.At.Sequence {
			o.fail("%q is event %d, want %d as before", e.Key, a.At.Sequence, known)
		}
		if known != 0 && !a.Duplicate {
			o.fail("%q is stored again, as event %d", e.Key, a.At.Sequence)
		}
	case errors.Is(a.Err, chat.ErrTargetGone) && e.Target != 0:
		o.mu.Lock()
		known := e.seq
		e.refused = true
		o.mu.Unlock()
		if known != 0 {
			o.fail("%q = %w, want it recognized as event %d", e.Key, a.Err, known)
		}
	default:
		o.fail("Submit(%q) = %w, want it stored", e.Key, a.Err)
	}
}

// resubmit sends an entry again.
func (o *outage) resubmit(e *sentEntry) {
	at, duplicate, err := chat.Append(context.Background(), o.store, e.Entry)
	o.note(e, chat.Appended{At: at, Duplicate: duplicate, Err: err})
}

// retry sends an entry again that was acknowledged.
func (o *outage) retry(random *rand.Rand) {
	if all := o.acknowledged(); len(all) > 0 {
		o.resubmit(all[random.IntN(len(all))])
	}
}

// scrub calls Scrub, and notes what it promises.
func (o *outage) scrub() {
	gone := o.erased()
	if _, err := o.store.Scrub(context.Background()); o.excuses(err) {
		return
	} else if err != nil {
		o.fail("Scrub() = %w, want nil", err)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for e := range gone {
		e.scrubbed = true
	}
}

// erased returns the entries that were erased by others that are acknowledged.
func (o *outage) erased() map[*sentEntry]bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.erasedLocked(func(e *sentEntry) bool { return e.acked })
}

// erasedLocked returns what those entries erase that count.
func (o *outage) erasedLocked(counts func(*sentEntry) bool) map[*sentEntry]bool {
	erasers := make(map[uint64]*sentEntry) // by target, the first
	for _, e := range o.sent {
		if e.Relation != chat.Erases || e.refused || !counts(e) {
			continue
		}
		if first := erasers[e.Target]; first == nil || e.seq != 0 && e.seq < first.seq {
			erasers[e.Target] = e
		}
	}
	gone := make(map[*sentEntry]bool)
	for _, e := range o.sent {
		if e.seq != 0 && erasers[e.seq] != nil {
			gone[e] = true
		}
		if by := erasers[e.Target]; by != nil && e.Relation == chat.Revises && e.seq != 0 && (by.seq == 0 || e.seq < by.seq) {
			gone[e] = true
		}
	}
	return gone
}
