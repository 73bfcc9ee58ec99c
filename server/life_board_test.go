package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// board is what somebody sees of a room: the messages as they are now. It follows
// the contract, and shares nothing with the server.
type board struct {
	last  uint64 // the newest event seen
	notes []*note
}

type note struct {
	sequence, replyTo uint64
	from, text        string
	edited            bool
	reactions         []*chatv1.Reactions
	through           uint64 // the newest change that is in
}

// see applies an event of a stream or of a page. It fails the test if one was
// missed.
func (b *board) see(t *testing.T, e *chatv1.Event) {
	t.Helper()
	if b.last > 0 && e.GetPrevious() > b.last {
		t.Errorf("event %d comes after %d, and the newest seen is %d", e.GetSequence(), e.GetPrevious(), b.last)
	}
	if e.GetSequence() > 0 {
		if e.GetSequence() <= b.last {
			t.Errorf("event %d came after event %d", e.GetSequence(), b.last)
		}
		b.last = e.GetSequence()
	}
	b.apply(e)
}

func (b *board) apply(e *chatv1.Event) {
	switch body := e.GetBody().(type) {
	case *chatv1.Event_Message:
		b.notes = append(b.notes, &note{
			sequence: e.GetSequence(), replyTo: body.Message.GetReplyTo(), from: e.GetSender().GetName(), text: body.Message.GetText(),
			edited: e.GetChanges().GetEditTime() != nil, reactions: e.GetChanges().GetReactions(), through: e.GetChanges().GetSequence(),
		})
	case *chatv1.Event_Edit:
		if n := b.changed(body.Edit.GetTarget(), e); n != nil {
			n.text, n.edited = body.Edit.GetText(), true
		}
	case *chatv1.Event_Reaction:
		if n := b.changed(body.Reaction.GetTarget(), e); n != nil {
			n.react(e.GetSender().GetId(), body.Reaction)
		}
	case *chatv1.Event_Deletion:
		b.notes = slices.DeleteFunc(b.notes, func(n *note) bool { return n.sequence == body.Deletion.GetTarget() })
	}
}

// changed returns the note that an event changes, nil if it is not here or knows
// of the event.
func (b *board) changed(target uint64, by *chatv1.Event) *note {
	for _, n := range b.notes {
		if n.sequence == target && by.GetSequence() > n.through {
			n.through = by.GetSequence()
			return n
		}
	}
	return nil
}

func (n *note) react(member string, r *chatv1.Reaction) {
	i := slices.IndexFunc(n.reactions, func(known *chatv1.Reactions) bool { return known.GetEmoji() == r.GetEmoji() })
	if i < 0 {
		if r.GetRemoved() {
			return
		}
		i = len(n.reactions)
		n.reactions = append(n.reactions, &chatv1.Reactions{Emoji: r.GetEmoji()})
	}
	members := n.reactions[i].MemberIds
	at := slices.Index(members, member)
	switch {
	case r.GetRemoved() && at >= 0:
		members = slices.Delete(members, at, at+1)
	case !r.GetRemoved() && at < 0:
		members = append(members, member)
	}
	if n.reactions[i].MemberIds = members; len(members) == 0 {
		n.reactions = slices.Delete(n.reactions, i, i+1)
	}
}

// prepend puts the messages of an older page before the others, and applies what
// the page has of changes to either.
func (b *board) prepend(page []*chatv1.Event) {
	older := new(board)
	for _, e := range page {
		older.apply(e)
		if d := e.GetDeletion(); d != nil {
			b.apply(e)
		}
	}
	b.notes = append(older.notes, b.notes...)
	if len(page) > 0 && b.last == 0 {
		b.last = page[len(page)-1].GetSequence()
	}
}

func byEmoji(a, b *chatv1.Reactions) int { return strings.Compare(a.GetEmoji(), b.GetEmoji()) }

// show shows a board in lines: who said what, to which line, with the reactions.
// Members are shown by the names given, in their order, as emoji are.
func (b *board) show(names map[string]string) string {
	var lines strings.Builder
	for _, n := range b.notes {
		if i := slices.IndexFunc(b.notes, func(other *note) bool { return other.sequence == n.replyTo }); i >= 0 {
			fmt.Fprintf(&lines, "[to %s] ", b.notes[i].text)
		} else if n.replyTo > 0 {
			fmt.Fprint(&lines, "[to what is gone] ")
		}
		fmt.Fprintf(&lines, "%s: %s", n.from, n.text)
		if n.edited {
			fmt.Fprint(&lines, " (edited)")
		}
		for _, r := range slices.SortedFunc(slices.Values(n.reactions), byEmoji) {
			fmt.Fprintf(&lines, " %s", r.GetEmoji())
			var members []string
			for _, id := range r.GetMemberIds() {
				members = append(members, names[id])
			}
			fmt.Fprintf(&lines, " %s", strings.Join(slices.Sorted(slices.Values(members)), " "))
		}
		fmt.Fprintln(&lines)
	}
	return lines.String()
}

// boardOf is what those events come to.
func boardOf(t *testing.T, events []*chatv1.Event) *board {
	t.Helper()
	b := new(board)
	for _, e := range events {
		b.see(t, e)
	}
	return b
}
