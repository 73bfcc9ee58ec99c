package chat

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Changes is what has become of a message since it was sent.
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

// size estimates what changes take in memory and in an answer, in bytes.
func (c *Changes) size() int {
	n := sizeOfFold
	for _, r := range c.Reactions {
		n += len(r.Emoji)
		for _, member := range r.Members {
			n += len(member) + 2
		}
	}
	return n
}

// fold is what has become of one message: its changes in the order of the journal up
// to a sequence, folded.
type fold struct {
	epoch  string
	target uint64

	mu        sync.Mutex // guards below
	through   uint64     // all changes up to this sequence are in
	newest    uint64     // the sequence of the newest change
	edited    bool
	text      string // of the newest edit
	editTime  time.Time
	deleted   bool
	reactions map[string]map[string]struct{} // the members, by emoji
	pairs     int                            // of an emoji and a member
	size      int64                          // of all that, in bytes, roughly
	changes   *Changes                       // as given to readers; nil after a change
}

// The rough sizes of what a fold holds, in bytes.
const (
	sizeOfFold = 256
	sizeOfPair = 96
)

// take folds the changes that are not in yet. They are all of those with any target
// up to a sequence, in order.
func (f *fold) take(changes []*Event, through uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range changes {
		if e.Sequence > f.through {
			f.takeLocked(e)
		}
	}
	f.through = max(f.through, through)
}

func (f *fold) takeLocked(e *Event) {
	if _, target, _ := targetOf(e.Body); target != f.target {
		return
	}
	f.newest, f.changes = e.Sequence, nil
	switch body := e.Body.(type) {
	case Edit:
		f.size += int64(len(body.Text) - len(f.text))
		f.edited, f.text, f.editTime = true, body.Text, e.Time
	case Reaction:
		f.reactLocked(body, e.Sender.ID)
	case Deletion:
		f.deleted = true
	}
}

func (f *fold) reactLocked(r Reaction, member string) {
	members := f.reactions[r.Emoji]
	_, found := members[member]
	size := sizeOfPair + 2*int64(len(r.Emoji)+len(member))
	switch {
	case found && r.Removed:
		delete(members, member)
		if len(members) == 0 {
			delete(f.reactions, r.Emoji)
		}
		f.pairs--
		f.size -= size
	case !found && !r.Removed && f.pairs < MaxReactors:
		if members == nil {
			members = make(map[string]struct{})
			if f.reactions == nil {
				f.reactions = make(map[string]map[string]struct{})
			}
			f.reactions[r.Emoji] = members
		}
		members[member] = struct{}{}
		f.pairs++
		f.size += size
	}
}

// apply returns a message as it is now, or nil if it is deleted.
func (f *fold) apply(e *Event, message Message) *Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.deleted:
		return nil
	case f.newest == 0:
		return e
	case f.edited:
		message.Text = f.text
	}
	if f.changes == nil {
		f.changes = &Changes{Sequence: f.newest, EditTime: f.editTime, Reactions: f.listLocked()}
	}
	return e.with(e.Previous, message, f.changes)
}

// listLocked returns the reactions by emoji and member: an order that receivers who
// fold the events themselves can have, too.
func (f *fold) listLocked() []Reactions {
	var list []Reactions
	for emoji, members := range f.reactions {
		list = append(list, Reactions{Emoji: emoji, Members: slices.Sorted(maps.Keys(members))})
	}
	slices.SortFunc(list, func(a, b Reactions) int { return cmp.Compare(a.Emoji, b.Emoji) })
	return list
}

// checkReaction returns a *FieldError for a reaction that is too much for the message.
func (f *fold) checkReaction(emoji, member string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	members := f.reactions[emoji]
	_, found := members[member]
	switch {
	case members == nil && len(f.reactions) >= MaxReactions:
		return &FieldError{"reaction.emoji", "emoji.count", fmt.Sprintf("must be one of the %d different ones that the message has already: it takes no more", MaxReactions)}
	case !found && f.pairs >= MaxReactors:
		return &FieldError{"reaction.target", "reaction.count", fmt.Sprintf("must be a message with fewer than %d reactions of its members", MaxReactors)}
	}
	return nil
}
