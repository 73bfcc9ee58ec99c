package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"chatroom/server/internal/chat"
)

// sizeOf estimates the size of changes in memory and in a response, in bytes.
func sizeOf(c *chat.Changes) int {
	n := sizeOfFold
	for _, r := range c.Reactions {
		n += len(r.Emoji)
		for _, member := range r.Members {
			n += len(member) + 2
		}
	}
	return n
}

// fold is the result of applying the changes of one message in the order of the journal.
type fold struct {
	epoch  string
	target uint64

	mu        sync.Mutex // guards below
	through   uint64     // all changes up to this sequence are applied
	newest    uint64     // the sequence of the newest change
	edited    bool
	text      string // of the newest edit
	editTime  time.Time
	moderates bool // the sender of the newest edit, at that time
	deleted   bool
	reactions map[string]map[string]struct{} // the members, by emoji
	pairs     int                            // of an emoji and a member
	size      int64                          // of the fields above in memory, in bytes, estimated
	changes   *chat.Changes                  // the result that readers share; nil after a change
}

// The estimated sizes of a fold, and of each reaction in it, in bytes.
const (
	sizeOfFold = 256
	sizeOfPair = 96
)

// applyAll applies those changes of the message that are not applied yet. The slice holds
// all changes up to the sequence through, in order, and those of other messages, too.
func (f *fold) applyAll(changes []*chat.Event, through uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range changes {
		if e.Sequence > f.through {
			f.applyLocked(e)
		}
	}
	f.through = max(f.through, through)
}

func (f *fold) applyLocked(e *chat.Event) {
	if _, target, _ := chat.Relate(e.Body); target != f.target {
		return
	}
	f.newest, f.changes = e.Sequence, nil
	switch body := e.Body.(type) {
	case chat.Edit:
		f.size += int64(len(body.Text) - len(f.text))
		f.edited, f.text, f.editTime, f.moderates = true, body.Text, e.Time, e.Sender.Moderator
	case chat.Reaction:
		f.reactLocked(body, e.Sender.ID)
	case chat.Deletion:
		f.deleted = true
	}
}

func (f *fold) reactLocked(r chat.Reaction, member string) {
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
	case !found && !r.Removed && f.pairs < chat.MaxReactors:
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

// current returns a message as it is now, or nil if it is deleted.
func (f *fold) current(e *chat.Event, message chat.Message) *chat.Event {
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
		f.changes = &chat.Changes{Sequence: f.newest, EditTime: f.editTime, Reactions: f.reactionsLocked()}
	}
	now := e.With(e.Previous, message, f.changes)
	if f.edited {
		now.Sender.Moderator = f.moderates
	}
	return now
}

// reactionsLocked returns the reactions sorted by emoji and member: an order that
// receivers who fold the events themselves can produce, too.
func (f *fold) reactionsLocked() []chat.Reactions {
	var list []chat.Reactions
	for emoji, members := range f.reactions {
		list = append(list, chat.Reactions{Emoji: emoji, Members: slices.Sorted(maps.Keys(members))})
	}
	slices.SortFunc(list, func(a, b chat.Reactions) int { return cmp.Compare(a.Emoji, b.Emoji) })
	return list
}

// checkReaction returns a *chat.FieldError for a reaction that exceeds the bounds of a
// message, and for the removal of one that it does not have.
func (f *fold) checkReaction(reaction chat.Reaction, member string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	members := f.reactions[reaction.Emoji]
	_, found := members[member]
	switch {
	case reaction.Removed && found:
	case reaction.Removed:
		return chat.ErrNotEmoji
	case members == nil && len(f.reactions) >= chat.MaxReactions:
		return &chat.FieldError{Field: "reaction.emoji", Rule: "emoji.count", Bound: fmt.Sprintf("must be one of the %d different emoji that the message already has, which is the maximum", chat.MaxReactions)}
	case !found && f.pairs >= chat.MaxReactors:
		return &chat.FieldError{Field: "reaction.target", Rule: "reaction.count", Bound: fmt.Sprintf("must be a message with fewer than %d reactions", chat.MaxReactors)}
	}
	return nil
}
