package timeline_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"chatroom/client/chat/internal/timeline"
	chatv1 "chatroom/gen/chat/v1"
)

func event(sequence uint64, sender string) *chatv1.Event {
	return &chatv1.Event{Room: "lobby", Sequence: sequence, Id: fmt.Sprint("id", sequence), Sender: &chatv1.Member{Id: sender, Name: sender}}
}

func message(sequence uint64, sender, text string) *chatv1.Event {
	e := event(sequence, sender)
	e.Body = &chatv1.Event_Message{Message: &chatv1.Message{Text: text}}
	return e
}

func edit(sequence, target uint64, text string) *chatv1.Event {
	e := event(sequence, "ada")
	e.Body = &chatv1.Event_Edit{Edit: &chatv1.Edit{Target: target, Text: text}}
	return e
}

func deletion(sequence, target uint64) *chatv1.Event {
	e := event(sequence, "ada")
	e.Body = &chatv1.Event_Deletion{Deletion: &chatv1.Deletion{Target: target}}
	return e
}

func reaction(sequence, target uint64, sender, emoji string, removed bool) *chatv1.Event {
	e := event(sequence, sender)
	e.Body = &chatv1.Event_Reaction{Reaction: &chatv1.Reaction{Target: target, Emoji: emoji, Removed: removed}}
	return e
}

// describe returns the entries in one line.
func describe(t *timeline.Timeline) string {
	var parts []string
	for _, e := range t.Entries() {
		s := fmt.Sprintf("%d:%s", e.Sequence, e.Text)
		if e.Kind == timeline.Gap {
			s = "gap:" + e.Text
		}
		if e.Edited {
			s += "*"
		}
		for _, r := range e.Reactions {
			s += fmt.Sprintf(" %s%d", r.Emoji, len(r.Members))
		}
		s += [...]string{"", " sending", " failed", " deleted"}[e.State]
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

func check(t *testing.T, line *timeline.Timeline, want string) {
	t.Helper()
	if got := describe(line); got != want {
		t.Errorf("entries = %q, want %q", got, want)
	}
}

func TestChanges(t *testing.T) {
	var line timeline.Timeline
	for _, e := range []*chatv1.Event{
		message(1, "ada", "one"), message(2, "bob", "two"), message(3, "ada", "three"),
		edit(4, 1, "ONE"), reaction(5, 2, "ada", "👍", false), reaction(6, 2, "eve", "👍", false), reaction(7, 2, "ada", "👍", true),
		reaction(8, 2, "ada", "🎉", false), reaction(9, 2, "ada", "🎉", true), deletion(10, 3),
	} {
		line.Add(e, false)
	}
	check(t, &line, "1:ONE*, 2:two 👍1, 3: deleted")
	if !line.Find(2).Has("👍", "eve") || line.Find(2).Has("👍", "ada") {
		t.Errorf("reactions = %v, want 👍 of eve", line.Find(2).Reactions)
	}
}

// A page has messages in their current state. Changes that a feed has brought before the
// page are applied if the page does not include them.
func TestPagesAndChanges(t *testing.T) {
	var line timeline.Timeline
	line.Add(message(10, "ada", "ten"), false)
	line.Add(edit(11, 3, "before the page"), false)
	line.Add(edit(13, 3, "after the page"), false)
	line.Add(reaction(12, 2, "ada", "👍", false), false)
	line.Add(deletion(14, 4), false)
	three := message(3, "ada", "before the page")
	three.Changes = &chatv1.Changes{Sequence: 11, EditTime: timestamppb.New(time.Unix(1, 0))}
	two := message(2, "bob", "two")
	two.Changes = &chatv1.Changes{Sequence: 12, Reactions: []*chatv1.Reactions{{Emoji: "👍", MemberIds: []string{"ada"}}}}
	for _, e := range []*chatv1.Event{two, three, message(4, "bob", "deleted meanwhile"), message(10, "ada", "ten")} {
		line.Add(e, false)
	}
	check(t, &line, "2:two 👍1, 3:after the page*, 10:ten")
}

func TestSends(t *testing.T) {
	var line timeline.Timeline
	line.Add(message(1, "ada", "one"), false)
	for _, id := range []string{"id2", "b", "c"} {
		line.Queue(&timeline.Entry{ID: id, Text: id})
	}
	line.Add(message(2, "me", "id2"), true) // the event comes before the answer
	line.Accepted("id2", 2, time.Unix(2, 0))
	check(t, &line, "1:one, 2:id2, 0:b sending, 0:c sending")
	line.Fail("b", errors.New("muted"))
	line.Accepted("c", 3, time.Unix(3, 0)) // the answer comes before the event
	line.Add(message(3, "me", "c"), true)
	check(t, &line, "1:one, 2:id2, 3:c, 0:b failed")
	line.Queue(&timeline.Entry{ID: "d", Text: "d"})
	line.Retry("b")
	check(t, &line, "1:one, 2:id2, 3:c, 0:d sending, 0:b sending")
	line.Discard("d")
	check(t, &line, "1:one, 2:id2, 3:c, 0:b sending")
}

// The id of another member's send is not that of an own one.
func TestForeignID(t *testing.T) {
	var line timeline.Timeline
	line.Queue(&timeline.Entry{ID: "id1", Text: "mine"})
	line.Add(message(1, "eve", "hers"), false)
	check(t, &line, "1:hers, 0:mine sending")
}

func TestReset(t *testing.T) {
	var line timeline.Timeline
	line.Add(message(1, "ada", "one"), false)
	line.Queue(&timeline.Entry{ID: "a", Text: "a"})
	line.Complete = true
	line.Reset("lost")
	if line.Complete || line.Oldest() != 0 {
		t.Errorf("after Reset: Complete = %t, Oldest = %d, want false, 0", line.Complete, line.Oldest())
	}
	line.Add(message(9, "ada", "nine"), false)
	line.Add(message(8, "ada", "eight"), false)
	check(t, &line, "gap:lost, 8:eight, 9:nine, 0:a sending")
}

func TestTrim(t *testing.T) {
	line := timeline.Timeline{Complete: true}
	for i := range uint64(5) {
		line.Add(message(i+1, "ada", "m"), false)
	}
	line.Queue(&timeline.Entry{ID: "a", Text: "a"})
	line.Trim(3)
	check(t, &line, "4:m, 5:m, 0:a sending")
	if line.Complete {
		t.Error("Complete after Trim")
	}
	line.Trim(0)
	check(t, &line, "0:a sending")
}

// Whatever part of a log comes by pages and whatever by a feed, and in whichever order the
// pages come, the result is the same.
func TestAnyMixtureOfPagesAndFeed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var log []*chatv1.Event
		var messages []uint64
		for sequence := uint64(1); sequence <= 30; sequence++ {
			if len(messages) == 0 || rapid.Bool().Draw(t, "message") {
				log = append(log, message(sequence, "ada", fmt.Sprint("m", sequence)))
				messages = append(messages, sequence)
				continue
			}
			to := rapid.SampledFrom(messages).Draw(t, "target")
			if rapid.Bool().Draw(t, "edit") {
				log = append(log, edit(sequence, to, fmt.Sprint("e", sequence)))
			} else {
				log = append(log, reaction(sequence, to, "ada", "👍", rapid.Bool().Draw(t, "removed")))
			}
		}
		var want timeline.Timeline
		for _, e := range log {
			want.Add(e, false)
		}
		var got timeline.Timeline
		split := rapid.IntRange(0, len(log)).Draw(t, "split")
		for _, e := range log[split:] { // by the feed
			got.Add(e, false)
		}
		snapshot := rapid.IntRange(split, len(log)).Draw(t, "snapshot")
		page := pageOf(log[:split], log[:snapshot])
		order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Perm(len(page))
		for _, i := range order {
			got.Add(page[i], false)
		}
		if describe(&got) != describe(&want) {
			t.Fatalf("entries = %q, want %q", describe(&got), describe(&want))
		}
	})
}

// pageOf returns events as a page has them, in the state after all of a log.
func pageOf(events, log []*chatv1.Event) []*chatv1.Event {
	var state timeline.Timeline
	newest := make(map[uint64]uint64)
	for _, e := range log {
		state.Add(e, false)
		newest[max(e.GetEdit().GetTarget(), e.GetReaction().GetTarget())] = e.GetSequence()
	}
	var page []*chatv1.Event
	for _, e := range events {
		if e.GetMessage() != nil && newest[e.GetSequence()] > 0 {
			now := state.Find(e.GetSequence())
			changes := &chatv1.Changes{Sequence: newest[e.GetSequence()]}
			if now.Edited {
				changes.EditTime = timestamppb.New(time.Unix(1, 0))
			}
			for _, r := range now.Reactions {
				changes.Reactions = append(changes.Reactions, &chatv1.Reactions{Emoji: r.Emoji, MemberIds: r.Members})
			}
			e = message(e.GetSequence(), "ada", now.Text)
			e.Changes = changes
		}
		page = append(page, e)
	}
	return page
}
