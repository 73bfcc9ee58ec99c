// Package timeline folds the events of a room into what a reader sees: messages in their
// current state, in the room's order.
//
// Events come from a feed and from pages of history, in any mixture: each is counted once,
// and a change applies whichever of the change and its message comes first. A Timeline
// must not be used concurrently.
package timeline

import (
	"slices"
	"time"

	chatv1 "chatroom/gen/chat/v1"
)

// maxPending is how many changes to messages that are not loaded are kept.
const maxPending = 1000

// Kind is the kind of an Entry.
type Kind int

const (
	Message Kind = iota
	Custom       // an event of an application's own kind
	Gap          // events are missing here
)

// State is the state of a message.
type State int

const (
	Stored  State = iota
	Sending       // it is in the outbox
	Failed        // it was refused, or its outcome is unknown
	Deleted
)

// Entry is an item of a Timeline.
type Entry struct {
	Kind     Kind
	Sequence uint64 // 0 until it is stored
	ID       string // of the send
	Sender   *chatv1.Member
	Time     time.Time
	Text     string // of a message; the type of a custom event; what is missing at a gap
	ReplyTo  uint64
	Edited   bool
	// Reactions are in the order in which their emoji were first added.
	Reactions []Reaction
	State     State
	Err       error // why the message has failed
	Version   int   // changes with the entry

	changed uint64 // the sequence of the newest change that is included
}

// Reaction is an emoji on a message, and the ids of those who added it.
type Reaction struct {
	Emoji   string
	Members []string
}

// Timeline is the entries of a room. The zero value is empty and ready to use.
type Timeline struct {
	// Complete reports that nothing older is kept.
	Complete bool

	entries []*Entry // those that are stored by sequence, then those that are not
	stored  int      // how many of the entries are stored
	pending map[uint64][]*chatv1.Event
	count   int // in pending
	deleted map[uint64]bool
}

// Entries returns the entries. The caller must not change them.
func (t *Timeline) Entries() []*Entry { return t.entries }

// Oldest returns the sequence of the oldest entry, 0 if there is none.
func (t *Timeline) Oldest() uint64 {
	for _, e := range t.entries[:t.stored] {
		if e.Kind != Gap {
			return e.Sequence
		}
	}
	return 0
}

// Find returns the entry with a sequence, nil if it is not loaded.
func (t *Timeline) Find(sequence uint64) *Entry {
	i, found := t.search(sequence)
	if !found {
		return nil
	}
	return t.entries[i]
}

func (t *Timeline) search(sequence uint64) (int, bool) {
	return slices.BinarySearchFunc(t.entries[:t.stored], sequence, func(e *Entry, sequence uint64) int {
		switch {
		case e.Sequence < sequence || e.Sequence == sequence && e.Kind == Gap:
			return -1
		case e.Sequence > sequence:
			return 1
		}
		return 0
	})
}

// Add adds an event, from a feed or from a page, and returns its entry if it is a new one.
// own reports whether the caller is the sender, whose send with this id it then replaces.
func (t *Timeline) Add(e *chatv1.Event, own bool) *Entry {
	switch {
	case e.GetMessage() != nil:
		return t.insert(messageOf(e), own)
	case e.GetCustom() != nil && e.GetSequence() > 0:
		return t.insert(&Entry{
			Kind: Custom, Sequence: e.GetSequence(), Sender: e.GetSender(), Time: e.GetTime().AsTime(),
			Text: string(e.GetCustom().GetPayload().MessageName()),
		}, false)
	case target(e) != 0:
		t.change(e)
	}
	return nil
}

func messageOf(e *chatv1.Event) *Entry {
	m := &Entry{
		Sequence: e.GetSequence(), ID: e.GetId(), Sender: e.GetSender(), Time: e.GetTime().AsTime(),
		Text: e.GetMessage().GetText(), ReplyTo: e.GetMessage().GetReplyTo(),
		Edited: e.GetChanges().GetEditTime() != nil, changed: e.GetChanges().GetSequence(),
	}
	for _, r := range e.GetChanges().GetReactions() {
		m.Reactions = append(m.Reactions, Reaction{r.GetEmoji(), r.GetMemberIds()})
	}
	return m
}

func (t *Timeline) insert(e *Entry, own bool) *Entry {
	if t.deleted[e.Sequence] {
		return nil
	}
	i, found := t.search(e.Sequence)
	if found {
		if known := t.entries[i]; e.changed > known.changed && known.State == Stored {
			known.Text, known.Edited, known.Reactions, known.changed = e.Text, e.Edited, e.Reactions, e.changed
			known.Version++
		}
		return nil
	}
	if own {
		t.Discard(e.ID)
	}
	t.entries = slices.Insert(t.entries, i, e)
	t.stored++
	for _, c := range t.pending[e.Sequence] {
		e.apply(c)
		t.count--
	}
	delete(t.pending, e.Sequence)
	return e
}

// target returns the sequence of the message that an event changes, 0 if it changes none.
func target(e *chatv1.Event) uint64 {
	return max(e.GetEdit().GetTarget(), e.GetDeletion().GetTarget(), e.GetReaction().GetTarget())
}

func (t *Timeline) change(e *chatv1.Event) {
	to := target(e)
	if e.GetDeletion() != nil {
		if t.deleted == nil {
			t.deleted = make(map[uint64]bool)
		}
		t.deleted[to] = true
	}
	if known := t.Find(to); known != nil {
		known.apply(e)
		return
	}
	if t.count == maxPending {
		t.pending, t.count = nil, 0
	}
	if t.pending == nil {
		t.pending = make(map[uint64][]*chatv1.Event)
	}
	t.pending[to] = append(t.pending[to], e)
	t.count++
}

// apply changes a message, unless it includes the change already.
func (e *Entry) apply(c *chatv1.Event) {
	if e.State == Deleted || c.GetSequence() <= e.changed {
		return
	}
	e.changed = c.GetSequence()
	e.Version++
	switch {
	case c.GetEdit() != nil:
		e.Text, e.Edited = c.GetEdit().GetText(), true
	case c.GetDeletion() != nil:
		e.Text, e.Reactions, e.State = "", nil, Deleted
	case c.GetReaction() != nil:
		e.react(c.GetReaction(), c.GetSender().GetId())
	}
}

func (e *Entry) react(r *chatv1.Reaction, member string) {
	i := slices.IndexFunc(e.Reactions, func(known Reaction) bool { return known.Emoji == r.GetEmoji() })
	switch {
	case i < 0 && !r.GetRemoved():
		e.Reactions = append(e.Reactions, Reaction{r.GetEmoji(), []string{member}})
	case i >= 0:
		members := slices.DeleteFunc(slices.Clone(e.Reactions[i].Members), func(id string) bool { return id == member })
		if !r.GetRemoved() {
			members = append(members, member)
		}
		if e.Reactions[i].Members = members; len(members) == 0 {
			e.Reactions = slices.Delete(e.Reactions, i, i+1)
		}
	}
}

// Has reports whether a member has added an emoji.
func (e *Entry) Has(emoji, member string) bool {
	return slices.ContainsFunc(e.Reactions, func(r Reaction) bool { return r.Emoji == emoji && slices.Contains(r.Members, member) })
}

// Reset removes the entries that are stored, and adds a gap in their place.
func (t *Timeline) Reset(text string) *Entry {
	gap := &Entry{Kind: Gap, Text: text}
	t.entries = slices.Insert(slices.Clone(t.entries[t.stored:]), 0, gap)
	t.stored, t.Complete = 1, false
	t.pending, t.count, t.deleted = nil, 0, nil
	return gap
}

// Trim removes the oldest entries if there are more than n, and reports whether it did.
func (t *Timeline) Trim(n int) bool {
	excess := min(len(t.entries)-n, t.stored)
	if excess <= 0 {
		return false
	}
	t.entries = slices.Delete(t.entries, 0, excess)
	t.stored -= excess
	t.Complete = false
	return true
}

// Queue adds a message that is being sent.
func (t *Timeline) Queue(e *Entry) {
	e.State = Sending
	t.entries = append(t.entries, e)
}

// Unsent returns the send with an id, nil if there is none.
func (t *Timeline) Unsent(id string) *Entry {
	for _, e := range t.entries[t.stored:] {
		if e.ID == id {
			return e
		}
	}
	return nil
}

// Discard removes a send.
func (t *Timeline) Discard(id string) {
	for i, e := range t.entries[t.stored:] {
		if e.ID == id {
			t.entries = slices.Delete(t.entries, t.stored+i, t.stored+i+1)
			return
		}
	}
}

// Accepted notes that a send is stored. Its event may have come already, or come later.
func (t *Timeline) Accepted(id string, sequence uint64, at time.Time) {
	e := t.Unsent(id)
	if e == nil {
		return
	}
	t.Discard(id)
	e.Sequence, e.Time, e.State, e.Err = sequence, at, Stored, nil
	e.Version++
	t.insert(e, false)
}

// Fail notes that a send has failed, and Retry that it is sent again.
func (t *Timeline) Fail(id string, err error) { t.setState(id, Failed, err) }

// Retry notes that a send is made again, behind the others.
func (t *Timeline) Retry(id string) {
	if e := t.Unsent(id); e != nil {
		t.Discard(id)
		t.entries = append(t.entries, e)
	}
	t.setState(id, Sending, nil)
}

func (t *Timeline) setState(id string, s State, err error) {
	if e := t.Unsent(id); e != nil {
		e.State, e.Err = s, err
		e.Version++
	}
}
