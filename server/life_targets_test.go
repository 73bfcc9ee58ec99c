package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// targets are messages, and what is none, to be targets of ada.
type targets struct {
	room string

	own, others, anonymous uint64
	elsewhere, deleted     uint64
	edit, reaction, delete uint64
}

// lay makes the targets. Ada and ben are in the room, and nobody hears any of it
// later than now.
func (n *neighbours) lay(t *testing.T, anonymous *actor) *targets {
	t.Helper()
	at := &targets{
		room:      n.room,
		own:       n.says(t, n.ada, &chatv1.Message{Text: "ada's"}),
		others:    n.says(t, n.ben, &chatv1.Message{Text: "ben's"}),
		deleted:   n.says(t, n.ada, &chatv1.Message{Text: "deleted"}),
		anonymous: anonymous.do(t, saying(n.room, "nobody's")).GetSequence(),
		elsewhere: n.ada.do(t, saying(n.room+"-elsewhere", "ada's")).GetSequence(),
	}
	at.edit = n.does(t, n.ada, editing(n.room, n.id(), at.own, "ada's, again"))
	at.reaction = n.does(t, n.ada, reacting(n.room, n.id(), at.own, "👍", false))
	at.delete = n.does(t, n.ada, deleting(n.room, n.id(), at.deleted))
	return at
}

// aims are what a target is needed for.
var aims = []struct {
	name, field string
	owned       bool // the target must be the sender's own
	open        bool // to callers without a token
	request     func(room, id string, target uint64) *chatv1.SendRequest
}{
	{"edit", "edit.target", true, false, func(room, id string, target uint64) *chatv1.SendRequest {
		return editing(room, id, target, "another text")
	}},
	{"delete", "deletion.target", true, false, deleting},
	{"react", "reaction.target", false, false, func(room, id string, target uint64) *chatv1.SendRequest {
		return reacting(room, id, target, "👍", false)
	}},
	{"take back", "reaction.target", false, false, func(room, id string, target uint64) *chatv1.SendRequest {
		return reacting(room, id, target, "👍", true)
	}},
	{"reply", "message.reply_to", false, true, func(room, id string, target uint64) *chatv1.SendRequest {
		return post(room, id, &chatv1.Message{Text: "a reply", ReplyTo: target})
	}},
}

const targetBound = "must be the sequence of a message in the room that is not deleted"

// What can't be a target is refused through every door, in the same words, and
// nothing is said of it in the room.
func TestLifeTargets(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range lifeDoors {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				t.Parallel()
				ctx := bounded(t)
				n := s.settle(ctx, t, d, m, fmt.Sprintf("targets-%d-%d", i, m))
				anonymous := s.moveAs(ctx, t, d, m, "", &chatv1.Subscription{Room: n.room})
				at := n.lay(t, anonymous)
				for _, aim := range aims {
					for name, target := range map[string]uint64{
						"that is not there yet": at.delete + 1000, "of the largest number": math.MaxUint64, "of a large number": 1 << 63,
						"in another room": at.elsewhere, "that is deleted": at.deleted,
						"that is an edit": at.edit, "that is a reaction": at.reaction, "that is a deletion": at.delete,
					} {
						_, refused := n.ada.try(aim.request(n.room, n.id(), target))
						t.Run(aim.name+" one "+name, func(t *testing.T) {
							refused.check(t, badinputWant{code: connect.CodeNotFound, field: aim.field, bound: targetBound})
						})
					}
				}
				n.testOwners(t, at, anonymous)
				n.testBounds(t, at)
				n.testUnsaid(ctx, t, at)
			})
		}
	}
}

// testOwners checks who may do what.
func (n *neighbours) testOwners(t *testing.T, at *targets, anonymous *actor) {
	t.Helper()
	for _, aim := range aims {
		for name, target := range map[string]uint64{"someone else's": at.others, "nobody's": at.anonymous} {
			if aim.owned {
				_, refused := n.ada.try(aim.request(n.room, n.id(), target))
				t.Run(aim.name+" "+name, func(t *testing.T) {
					refused.check(t, badinputWant{code: connect.CodePermissionDenied, field: aim.field, bound: "must be a message of the caller's own"})
				})
			}
			if !aim.open {
				_, refused := anonymous.try(aim.request(n.room, n.id(), target))
				t.Run(aim.name+" without a token "+name, func(t *testing.T) {
					refused.check(t, badinputWant{code: connect.CodeUnauthenticated, info: "TOKEN_REQUIRED", bound: "sign in"})
				})
			}
		}
	}
}

// testBounds checks what else is in the requests.
func (n *neighbours) testBounds(t *testing.T, at *targets) {
	t.Helper()
	for name, c := range map[string]struct {
		request *chatv1.SendRequest
		field   string
		bound   string
	}{
		"edit nothing":               {editing(n.room, "id", 0, "text"), "edit.target", "must be greater than or equal to 1"},
		"delete nothing":             {deleting(n.room, "id", 0), "deletion.target", "must be greater than or equal to 1"},
		"react to nothing":           {reacting(n.room, "id", 0, "👍", false), "reaction.target", "must be greater than or equal to 1"},
		"edit without a text":        {editing(n.room, "id", at.own, ""), "edit.text", "at least 1 character"},
		"edit to white space":        {editing(n.room, "id", at.own, " \u2003\n"), "edit.text", "white space"},
		"edit to 4,001 characters":   {editing(n.room, "id", at.own, strings.Repeat("界", 4001)), "edit.text", "4000"},
		"react without an emoji":     {reacting(n.room, "id", at.own, "", false), "reaction.emoji", "at least 1 character"},
		"react with 33 bytes":        {reacting(n.room, "id", at.own, strings.Repeat("a", 33), false), "reaction.emoji", "32"},
		"react with white space":     {reacting(n.room, "id", at.own, "a b", false), "reaction.emoji", "32 bytes without white space"},
		"react with a control":       {reacting(n.room, "id", at.own, "a\x07", false), "reaction.emoji", "32 bytes without white space"},
		"edit others' to nothing":    {editing(n.room, "id", at.others, ""), "edit.text", "at least 1 character"},
		"say that one has come":      {&chatv1.SendRequest{Room: n.room, Id: "id"}, "body", "exactly one field is required"},
		"an event of no known type":  {&chatv1.SendRequest{Room: n.room, Id: "id", Body: &chatv1.SendRequest_Custom{Custom: &chatv1.Custom{}}}, "custom.payload", "required"},
		"a deletion in another room": {deleting(n.room+"!", "id", at.own), "room", badinputRoomBound},
	} {
		_, refused := n.ada.try(c.request)
		t.Run(name, func(t *testing.T) { refused.check(t, badinputInvalid(c.field, c.bound)) })
	}
}

// testUnsaid checks that nothing of what was refused is in the room.
func (n *neighbours) testUnsaid(ctx context.Context, t *testing.T, at *targets) {
	t.Helper()
	last := n.says(t, n.ada, &chatv1.Message{Text: "after all"})
	if e := n.ben.hears(t, last); e.GetPrevious() != at.delete {
		t.Errorf("the event after what was refused is %v, want it to follow %d", e, at.delete)
	}
	page, err := n.ben.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.room})
	must(t, err)
	const want = "ada: ada's, again (edited) 👍 ada\nben: ben's\nanonymous: nobody's\nada: after all\n"
	if got := boardOf(t, page.GetEvents()).show(n.names); got != want {
		t.Errorf("after what was refused the room is:\n%swant:\n%s", got, want)
	}
}

// A retry is the same send as the first one, whatever has become of its target or
// of what it said.
func TestLifeRetries(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range lifeDoors {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				t.Parallel()
				n := s.settle(bounded(t), t, d, m, fmt.Sprintf("retries-%d-%d", i, m))
				said := post(n.room, "said", &chatv1.Message{Text: "said"})
				target := n.does(t, n.ada, said)
				edit := editing(n.room, "edit", target, "edited")
				n.does(t, n.ada, edit)
				retries := []*retry{
					{what: "a reply", request: post(n.room, "reply", &chatv1.Message{Text: "reply", ReplyTo: target})},
					{what: "a reaction", request: reacting(n.room, "react", target, "👍", false)},
				}
				for _, r := range retries {
					r.first = n.ada.do(t, r.request)
					r.check(t, n.ada)
				}
				deletion := &retry{what: "a deletion", request: deleting(n.room, "delete", target)}
				deletion.first = n.ada.do(t, deletion.request)
				again := n.ada.do(t, deletion.request)
				if !again.GetDuplicate() || again.GetSequence() != deletion.first.GetSequence() || !proto.Equal(again.GetTime(), deletion.first.GetTime()) {
					t.Errorf("a deletion, retried, was answered %v, want the duplicate of %v", again, deletion.first)
				}
				for _, r := range append(retries, deletion) {
					t.Run(r.what+", when the target is deleted", func(t *testing.T) {
						r.check(t, n.ada)
					})
				}
				if again := n.ada.do(t, said); !again.GetDuplicate() || again.GetSequence() != target {
					t.Errorf("what is deleted, said again, was answered %v, want the duplicate of %d", again, target)
				}
				_, refused := n.ben.try(deleting(n.room, "delete", target))
				refused.check(t, badinputWant{code: connect.CodeNotFound, field: "deletion.target", bound: targetBound})
				_, refused = n.ada.try(deleting(n.room, "delete again", target))
				refused.check(t, badinputWant{code: connect.CodeNotFound, field: "deletion.target", bound: targetBound})
				last := n.says(t, n.ada, &chatv1.Message{Text: "last"})
				if e := n.ben.hears(t, last); e.GetPrevious() != deletion.first.GetSequence() {
					t.Errorf("after the retries %v, want it to follow the deletion %v", e, deletion.first)
				}
			})
		}
	}
}

// retry is a request that was answered.
type retry struct {
	what    string
	request *chatv1.SendRequest
	first   *chatv1.SendResponse
}

func (r *retry) check(t *testing.T, a *actor) {
	t.Helper()
	want := proto.CloneOf(r.first)
	want.Duplicate = true
	if again := a.do(t, r.request); !proto.Equal(again, want) {
		t.Errorf("%s, retried, was answered %v, want %v", r.what, again, want)
	}
}
