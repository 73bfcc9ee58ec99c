package hub_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

// shown is a message as a receiver sees it who folds the events it gets.
type shown struct {
	sequence, replyTo uint64
	sender, text      string
	edited            bool
	reactions         []chat.Reactions
}

// view folds events as the contract says that a receiver does.
type view struct {
	messages []*shown
	last     uint64
}

func (v *view) find(sequence uint64) *shown {
	i := slices.IndexFunc(v.messages, func(m *shown) bool { return m.sequence == sequence })
	if i < 0 {
		return nil
	}
	return v.messages[i]
}

func (v *view) take(e *chat.Event) {
	switch body := e.Body.(type) {
	case chat.Message:
		m := &shown{sequence: e.Sequence, replyTo: body.ReplyTo, sender: e.Sender.ID, text: body.Text}
		if c := e.Changes; c != nil {
			m.edited, m.reactions = !c.EditTime.IsZero(), c.Reactions
		}
		v.messages = append(v.messages, m)
	case chat.Edit:
		if m := v.find(body.Target); m != nil {
			m.text, m.edited = body.Text, true
		}
	case chat.Deletion:
		v.messages = slices.DeleteFunc(v.messages, func(m *shown) bool { return m.sequence == body.Target })
	case chat.Reaction:
		if m := v.find(body.Target); m != nil {
			m.react(body.Emoji, e.Sender.ID, body.Removed)
		}
	}
}

// react keeps emoji in the order of their oldest standing reaction.
func (m *shown) react(emoji, member string, removed bool) {
	i := slices.IndexFunc(m.reactions, func(r chat.Reactions) bool { return r.Emoji == emoji })
	if i < 0 {
		if !removed {
			m.reactions = append(m.reactions, chat.Reactions{Emoji: emoji, Members: []string{member}})
		}
		return
	}
	members := m.reactions[i].Members
	at := slices.Index(members, member)
	switch {
	case removed && at >= 0:
		m.reactions[i].Members = slices.Delete(slices.Clone(members), at, at+1)
		if len(m.reactions[i].Members) == 0 {
			m.reactions = slices.Delete(m.reactions, i, i+1)
		}
	case !removed && at < 0:
		m.reactions[i].Members = append(slices.Clip(members), member)
	}
}

// sorted has reactions in an order that does not depend on the order of events.
func (v *view) sorted() []shown {
	var all []shown
	for _, m := range v.messages {
		s := *m
		s.reactions = nil
		for _, r := range m.reactions {
			s.reactions = append(s.reactions, chat.Reactions{Emoji: r.Emoji, Members: slices.Sorted(slices.Values(r.Members))})
		}
		slices.SortFunc(s.reactions, func(a, b chat.Reactions) int { return len(a.Emoji) - len(b.Emoji) })
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b shown) int { return int(a.sequence) - int(b.sequence) })
	return all
}

// historyModel does random things with the messages of a room.
type historyModel struct {
	h       *testHub
	t       *testing.T
	live    *testFeed
	seen    view     // what the live feed gave
	targets []uint64 // messages, deleted ones and events of other kinds included
	deleted []uint64
	done    []done
	n       int
}

// done is a post that was stored.
type done struct {
	who     chat.Member
	post    chat.Post
	receipt chat.Receipt
}

var emoji = []string{"❤️", "👍", "👨‍👩‍👧‍👦"} // of different lengths

func (l *historyModel) send(rt *rapid.T, body chat.Body) (chat.Receipt, error) {
	l.n++
	who := chat.Member{ID: rapid.SampledFrom([]string{"A", "B", "C"}).Draw(rt, "who")}
	post := chat.Post{Room: "room", ID: fmt.Sprint(l.n), Body: body}
	receipt, err := l.h.Send(l.t.Context(), who, post)
	if _, wrong := errors.AsType[*chat.TargetError](err); err != nil && !wrong {
		rt.Fatalf("Send(%+v) = %v, want nil or a TargetError", body, err)
	}
	if err != nil {
		return receipt, err
	}
	if body.Durable() {
		l.done = append(l.done, done{who, post, receipt})
	}
	return receipt, nil
}

// retry sends something again. It is answered alike, whatever has become of the
// target meanwhile.
func (l *historyModel) retry(rt *rapid.T) {
	if len(l.done) == 0 {
		rt.Skip("nothing was sent")
	}
	d := rapid.SampledFrom(l.done).Draw(rt, "again")
	if again, err := l.h.Send(l.t.Context(), d.who, d.post); err != nil || !again.Duplicate || again.At != d.receipt.At {
		rt.Fatalf("Send(%+v) again = %+v, %v, want a duplicate of %+v", d.post, again, err, d.receipt)
	}
}

func (l *historyModel) target(rt *rapid.T) uint64 {
	if len(l.targets) == 0 {
		return 999
	}
	return rapid.SampledFrom(l.targets).Draw(rt, "target")
}

func (l *historyModel) post(rt *rapid.T) {
	body := chat.Message{Text: fmt.Sprint("text ", l.n)}
	if rapid.Bool().Draw(rt, "reply") {
		body.ReplyTo = l.target(rt)
	}
	if receipt, err := l.send(rt, body); err == nil {
		l.targets = append(l.targets, receipt.At.Sequence)
	}
}

func (l *historyModel) edit(rt *rapid.T) {
	if receipt, err := l.send(rt, chat.Edit{Target: l.target(rt), Text: fmt.Sprint("edited ", l.n)}); err == nil {
		l.targets = append(l.targets, receipt.At.Sequence)
	}
}

func (l *historyModel) remove(rt *rapid.T) {
	target := l.target(rt)
	if _, err := l.send(rt, chat.Deletion{Target: target}); err == nil {
		l.deleted = append(l.deleted, target)
	}
}

func (l *historyModel) react(rt *rapid.T) {
	_, _ = l.send(rt, chat.Reaction{Target: l.target(rt), Emoji: rapid.SampledFrom(emoji).Draw(rt, "emoji"), Removed: rapid.Bool().Draw(rt, "removed")})
}

func (l *historyModel) custom(rt *rapid.T) {
	_, _ = l.send(rt, chat.Custom{Type: "type.googleapis.com/game.v1.Move", Payload: []byte{8, 1}, Ephemeral: rapid.Bool().Draw(rt, "ephemeral")})
}

func (l *historyModel) listen(*rapid.T) { l.take(l.live, &l.seen) }

func (l *historyModel) take(f *testFeed, v *view) {
	for _, item := range drain(l.t, f, 7) {
		if e, ok := item.(*chat.Event); ok {
			if says := targetOf(e); slices.Contains(l.deleted, says) {
				l.t.Errorf("a stream gave %+v, want nothing of message %d, which was deleted", e, says)
			}
			if e.Previous > v.last {
				l.t.Errorf("event %d came after %d, but says that %d was before it", e.Sequence, v.last, e.Previous)
			}
			v.last = e.Sequence
			v.take(e)
		}
	}
}

// page reads a page somewhere, so that the service keeps folds of different ages.
func (l *historyModel) page(rt *rapid.T) {
	q := history.Query{Room: "room", Limit: rapid.IntRange(1, 5).Draw(rt, "limit")}
	if rapid.Bool().Draw(rt, "before") {
		q.Before = l.h.cursor(l.t, "room", l.target(rt))
	}
	if _, err := l.h.History(l.t.Context(), q, 0); err != nil {
		rt.Fatalf("History = %v, want nil", err)
	}
}

// pages reads all of history, in pages that go forward or backward.
func (l *historyModel) pages(rt *rapid.T, backward bool) *view {
	v := new(view)
	var pages [][]*chat.Event
	q := history.Query{Room: "room", Limit: 3, After: l.h.cursor(l.t, "room", 0)}
	if backward {
		q.After = nil
	}
	for {
		page, err := l.h.History(l.t.Context(), q, 0)
		if err != nil {
			rt.Fatalf("History(%+v) = %v, want nil", q, err)
		}
		pages = append(pages, page.Events)
		if !page.More {
			break
		}
		if !backward {
			q.After = &page.Next
			continue
		}
		// All of a page may have been deleted while it was read; not here.
		q.Before = &chat.Cursor{Epoch: page.Epoch, Sequence: page.Events[0].Sequence}
	}
	if backward {
		slices.Reverse(pages)
	}
	for _, e := range slices.Concat(pages...) {
		if _, message := e.Body.(chat.Message); message {
			v.take(e) // a page needs nothing else
		}
	}
	return v
}

// about returns the message whose text an event has, 0 for none.
func targetOf(e *chat.Event) uint64 {
	switch body := e.Body.(type) {
	case chat.Message:
		return e.Sequence
	case chat.Edit:
		return body.Target
	default:
		return 0
	}
}

// stored returns what the journal holds of a room.
func (h *testHub) stored(t testing.TB, room string) []*chat.Event {
	t.Helper()
	stored, err := h.journal.Store.Read(t.Context(), room, 0, 1<<20)
	if err != nil {
		t.Fatalf("Read(%q) = %v, want nil", room, err)
	}
	var events []*chat.Event
	for _, st := range stored {
		e, err := eventpb.Encoding{}.Decode(st.Payload)
		if err != nil {
			t.Fatalf("Decode = %v, want nil", err)
		}
		e.Sequence, e.Previous = st.Sequence, st.Previous
		events = append(events, e)
	}
	return events
}

// However a room is read, it is the same room: by folding what a stream brought
// as it happened, by folding the log, and by reading pages in either direction.
func TestFoldsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// With little memory, folds are dropped all the time.
		size := rapid.SampledFrom([]int{0, 1 << 10, 64 << 10}).Draw(rt, "memory")
		l := &historyModel{h: newTestHub(t, hub.Config{Window: 8, MemoryBytes: size}, memory.Config{}), t: t}
		l.h.send(t, "other", "gaps between the room's sequences")
		l.live = l.h.newFeed(gopher)
		defer l.live.Close()
		join(t, l.live, hub.Start{Room: "room"})
		rt.Repeat(map[string]func(*rapid.T){
			"Post": l.post, "Post more": l.post, "Edit": l.edit, "Delete": l.remove,
			"React": l.react, "Custom": l.custom, "Listen": l.listen, "Page": l.page, "Retry": l.retry,
		})
		l.listen(rt)
		for _, e := range l.h.stored(t, "room") {
			if says := targetOf(e); slices.Contains(l.deleted, says) {
				rt.Fatalf("the journal holds %+v, want nothing of message %d, which was deleted", e, says)
			}
		}
		replay := l.h.newFeed(gopher)
		defer replay.Close()
		join(t, replay, hub.Start{Room: "room", After: l.h.cursor(t, "room", 0)})
		var replayed view
		l.take(replay, &replayed)
		want := l.seen.sorted()
		for name, got := range map[string][]shown{
			"the log": replayed.sorted(), "pages forward": l.pages(rt, false).sorted(), "pages backward": l.pages(rt, true).sorted(),
		} {
			if !reflect.DeepEqual(got, want) {
				rt.Fatalf("folded from %s:\n%+v\nas it happened:\n%+v", name, got, want)
			}
		}
	})
}
