package messages

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// roomView is a room as a client shows it: the messages as they are now. It follows the
// contract, and shares no code with the server.
type roomView struct {
	last     uint64 // the newest event seen
	messages []*messageView
}

type messageView struct {
	sequence, replyTo uint64
	from, text        string
	edited            bool
	reactions         []*chatv1.Reactions
	through           uint64 // the newest change that is in
}

// add applies an event of a stream or of a page. It fails the test if one was
// missed.
func (b *roomView) add(t *testing.T, e *chatv1.Event) {
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
	b.fold(e)
}

func (b *roomView) fold(e *chatv1.Event) {
	switch body := e.GetBody().(type) {
	case *chatv1.Event_Message:
		b.messages = append(b.messages, &messageView{
			sequence: e.GetSequence(), replyTo: body.Message.GetReplyTo(), from: e.GetSender().GetName(), text: body.Message.GetText(),
			edited: e.GetChanges().GetEditTime() != nil, reactions: e.GetChanges().GetReactions(), through: e.GetChanges().GetSequence(),
		})
	case *chatv1.Event_Edit:
		if n := b.changedBy(body.Edit.GetTarget(), e); n != nil {
			n.text, n.edited = body.Edit.GetText(), true
		}
	case *chatv1.Event_Reaction:
		if n := b.changedBy(body.Reaction.GetTarget(), e); n != nil {
			n.react(e.GetSender().GetId(), body.Reaction)
		}
	case *chatv1.Event_Deletion:
		b.messages = slices.DeleteFunc(b.messages, func(n *messageView) bool { return n.sequence == body.Deletion.GetTarget() })
	}
}

// changedBy returns the note that an event changes, nil if it is not here or knows
// of the event.
func (b *roomView) changedBy(target uint64, by *chatv1.Event) *messageView {
	for _, n := range b.messages {
		if n.sequence == target && by.GetSequence() > n.through {
			n.through = by.GetSequence()
			return n
		}
	}
	return nil
}

func (n *messageView) react(member string, r *chatv1.Reaction) {
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

// prependPage puts the messages of an older page before the others, and applies what
// the page has of changes to either.
func (b *roomView) prependPage(page []*chatv1.Event) {
	older := new(roomView)
	for _, e := range page {
		older.fold(e)
		if d := e.GetDeletion(); d != nil {
			b.fold(e)
		}
	}
	b.messages = append(older.messages, b.messages...)
	if len(page) > 0 && b.last == 0 {
		b.last = page[len(page)-1].GetSequence()
	}
}

func byEmoji(a, b *chatv1.Reactions) int { return strings.Compare(a.GetEmoji(), b.GetEmoji()) }

// render renders a view in lines: sender, text, what it replies to, and reactions.
// Members are shown by the given names, sorted, and so are emoji.
func (b *roomView) render(names map[string]string) string {
	var lines strings.Builder
	for _, n := range b.messages {
		if i := slices.IndexFunc(b.messages, func(other *messageView) bool { return other.sequence == n.replyTo }); i >= 0 {
			fmt.Fprintf(&lines, "[to %s] ", b.messages[i].text)
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

// viewOf is what those events come to.
func viewOf(t *testing.T, events []*chatv1.Event) *roomView {
	t.Helper()
	b := new(roomView)
	for _, e := range events {
		b.add(t, e)
	}
	return b
}
