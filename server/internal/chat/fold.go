package chat

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Changes is what has become of a message since it was said.
type Changes struct {
	Sequence  uint64    // of the newest change in it
	EditTime  time.Time // zero if the text is the first one
	Reactions []Reactions
}

// Reactions are those to one message with one emoji.
type Reactions struct {
	Emoji   string
	Members []string // their ids, in their order
}

// fold is what has become of the messages of one room: of those that changed. It
// is made from a run of the journal, which grows at both ends as more is asked
// for: reading history page by page from its end costs no more than the pages.
//
// The order of reading does not matter: of two changes that exclude each other the
// one with the greater sequence counts, and a deletion always does.
type fold struct {
	room, epoch string

	counted int       // what of size folds.size has; guarded by folds.mu
	used    time.Time // when it was last asked for; guarded by folds.mu

	mu      sync.Mutex // guards below
	from    uint64     // all changes from here
	through uint64     // to here are in
	targets map[uint64]*changed
	size    int // of targets, in bytes, roughly
}

// changed is what has become of one message.
type changed struct {
	newest    uint64
	edits     []uint64 // the sequences of all of them
	edit      uint64   // that of the newest
	text      string
	editTime  time.Time
	reactions map[reactor]reacted
	deletion  *Event
}

type reactor struct{ emoji, member string }

type reacted struct {
	sequence uint64
	removed  bool
}

// The rough sizes of what a fold holds, in bytes.
const (
	sizeOfTarget   = 200
	sizeOfReaction = 120
)

// takeLocked folds an event, which must not be in already.
func (f *fold) takeLocked(e *Event) {
	switch body := e.Body.(type) {
	case Edit:
		c := f.targetLocked(e, body.Target)
		c.edits = append(c.edits, e.Sequence)
		if e.Sequence > c.edit {
			f.size += len(body.Text) - len(c.text)
			c.edit, c.text, c.editTime = e.Sequence, body.Text, e.Time
		}
	case Reaction:
		c := f.targetLocked(e, body.Target)
		by := reactor{body.Emoji, e.Sender.ID}
		before, found := c.reactions[by]
		if !found {
			f.size += sizeOfReaction
		}
		if e.Sequence > before.sequence {
			c.reactions[by] = reacted{e.Sequence, body.Removed}
		}
	case Deletion:
		// The first one counts: there are more when an edit came in between.
		c := f.targetLocked(e, body.Target)
		if c.deletion == nil || e.Sequence < c.deletion.Sequence {
			c.deletion = e
		}
	}
}

func (f *fold) targetLocked(e *Event, target uint64) *changed {
	c := f.targets[target]
	if c == nil {
		c = &changed{reactions: make(map[reactor]reacted)}
		f.targets[target] = c
		f.size += sizeOfTarget
	}
	c.newest = max(c.newest, e.Sequence)
	return c
}

// apply returns an event with a message as it is now, or nil if there is to be
// nothing of it any more: a message that was deleted, and an edit of one.
func (f *fold) apply(e *Event) *Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch body := e.Body.(type) {
	case Message:
		c := f.targets[e.Sequence]
		if c == nil {
			return e
		}
		if c.deletion != nil {
			return nil
		}
		if c.edit > 0 {
			body.Text = c.text
		}
		return e.with(e.Previous, body, &Changes{Sequence: c.newest, EditTime: c.editTime, Reactions: c.list()})
	case Edit:
		if c := f.targets[body.Target]; c != nil && c.deletion != nil {
			return nil
		}
	}
	return e
}

// list returns the reactions that stand, by emoji and member: an order that whoever
// folds the events can have, too.
func (c *changed) list() []Reactions {
	var all []reactor
	for by, r := range c.reactions {
		if !r.removed {
			all = append(all, by)
		}
	}
	slices.SortFunc(all, func(a, b reactor) int {
		return cmp.Or(cmp.Compare(a.emoji, b.emoji), cmp.Compare(a.member, b.member))
	})
	var list []Reactions
	for _, r := range all {
		if n := len(list); n == 0 || list[n-1].Emoji != r.emoji {
			list = append(list, Reactions{Emoji: r.emoji})
		}
		last := &list[len(list)-1]
		last.Members = append(last.Members, r.member)
	}
	return list
}

// crowded tells whether a message has as many different emoji as it may have, and
// this one is not among them.
func (f *fold) crowded(target uint64, emoji string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.targets[target]
	if c == nil || len(c.reactions) < MaxReactions {
		return false
	}
	list := c.list()
	return len(list) >= MaxReactions && !slices.ContainsFunc(list, func(r Reactions) bool { return r.Emoji == emoji })
}

// editsOf returns the sequences of a message's edits, the oldest first.
func (f *fold) editsOf(target uint64) []uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.targets[target]; c != nil {
		return slices.Sorted(slices.Values(c.edits))
	}
	return nil
}

// deletionOf returns the event that deleted a message, or nil.
func (f *fold) deletionOf(target uint64) *Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c := f.targets[target]; c != nil {
		return c.deletion
	}
	return nil
}

// folded returns the fold of a room, with all changes since from in it up to what
// is stored now.
func (s *Service) folded(ctx context.Context, room string, from uint64) (*fold, error) {
	head, err := s.journal.Head(ctx, room)
	if err != nil {
		return nil, fmt.Errorf("head of room %q: %w", room, err)
	}
	f := s.folds.get(room, head)
	if err := s.foldForward(ctx, f); err != nil {
		return nil, err
	}
	if err := s.foldBack(ctx, f, from); err != nil {
		return nil, err
	}
	s.folds.grown(f)
	return f, nil
}

// foldForward reads on to the end of the room's log. Several may do so at once:
// what one has read is in order, and starts no later than where the fold ends.
func (s *Service) foldForward(ctx context.Context, f *fold) error {
	for {
		f.mu.Lock()
		after := f.through
		f.mu.Unlock()
		stored, err := s.journal.Read(ctx, f.room, after, replayChunk)
		if err != nil {
			return fmt.Errorf("read room %q: %w", f.room, err)
		}
		f.mu.Lock()
		for _, st := range stored {
			if st.Sequence > f.through {
				f.takeLocked(s.read(f.room, st))
				f.through = st.Sequence
			}
		}
		f.mu.Unlock()
		if len(stored) < replayChunk {
			return nil
		}
	}
}

// foldBack reads back in the room's log until the fold begins at from.
func (s *Service) foldBack(ctx context.Context, f *fold, from uint64) error {
	for {
		f.mu.Lock()
		before := f.from
		f.mu.Unlock()
		if before <= from {
			return nil
		}
		stored, err := s.journal.ReadBack(ctx, f.room, before, replayChunk)
		if err != nil {
			return fmt.Errorf("read back in room %q: %w", f.room, err)
		}
		f.mu.Lock()
		for _, st := range slices.Backward(stored) {
			if st.Sequence < f.from {
				f.takeLocked(s.read(f.room, st))
				f.from = st.Sequence
			}
		}
		if len(stored) < replayChunk {
			f.from = min(f.from, from) // there is nothing before it
		}
		f.mu.Unlock()
	}
}
