package messages

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// targets are messages, and what is none, to be targets of ada.
type targets struct {
	room string

	own, others, anonymous uint64
	elsewhere, deleted     uint64
	edit, reaction, delete uint64
}

// layTargets creates the targets. Both members have received all events when it returns.
func layTargets(t *testing.T, n *harness.Pair, anonymous *harness.Participant) *targets {
	t.Helper()
	at := &targets{
		room:      n.Room,
		own:       n.SendMessage(t, n.Ada, &chatv1.Message{Text: "ada's"}),
		others:    n.SendMessage(t, n.Ben, &chatv1.Message{Text: "ben's"}),
		deleted:   n.SendMessage(t, n.Ada, &chatv1.Message{Text: "deleted"}),
		anonymous: anonymous.MustSend(t, harness.TextRequest(n.Room, "nobody's")).GetSequence(),
		elsewhere: n.Ada.MustSend(t, harness.TextRequest(n.Room+"-elsewhere", "ada's")).GetSequence(),
	}
	at.edit = n.SendAndReceive(t, n.Ada, harness.EditRequest(n.Room, n.NewID(), at.own, "ada's, again"))
	at.reaction = n.SendAndReceive(t, n.Ada, harness.ReactionRequest(n.Room, n.NewID(), at.own, "👍", false))
	at.delete = n.SendAndReceive(t, n.Ada, harness.DeletionRequest(n.Room, n.NewID(), at.deleted))
	return at
}

// targetUses are what a target is needed for.
var targetUses = []struct {
	name, field string
	owned       bool // the target must be the sender's own
	open        bool // to callers without a token
	request     func(room, id string, target uint64) *chatv1.SendRequest
}{
	{"edit", "edit.target", true, false, func(room, id string, target uint64) *chatv1.SendRequest {
		return harness.EditRequest(room, id, target, "another text")
	}},
	{"delete", "deletion.target", true, false, harness.DeletionRequest},
	{"react", "reaction.target", false, false, func(room, id string, target uint64) *chatv1.SendRequest {
		return harness.ReactionRequest(room, id, target, "👍", false)
	}},
	{"take back", "reaction.target", false, false, func(room, id string, target uint64) *chatv1.SendRequest {
		return harness.ReactionRequest(room, id, target, "👍", true)
	}},
	{"reply", "message.reply_to", false, true, func(room, id string, target uint64) *chatv1.SendRequest {
		return harness.MessageRequest(room, id, &chatv1.Message{Text: "a reply", ReplyTo: target})
	}},
}

const targetBound = "must be the sequence of a message in the room that is not deleted"

// A request whose target is invalid is refused alike on every protocol, and has no
// event.
func TestInvalidTargetsAreRefused(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				ctx := harness.Context(t)
				n := s.JoinPair(ctx, t, d, m, fmt.Sprintf("targets-%d-%d", i, m))
				anonymous := s.JoinWithToken(ctx, t, d, m, "", &chatv1.Subscription{Room: n.Room})
				at := layTargets(t, n, anonymous)
				for _, aim := range targetUses {
					for name, target := range map[string]uint64{
						"that is not there yet": at.delete + 1000, "of the largest number": math.MaxUint64, "of a large number": 1 << 63,
						"in another room": at.elsewhere, "that is deleted": at.deleted,
						"that is an edit": at.edit, "that is a reaction": at.reaction, "that is a deletion": at.delete,
					} {
						_, refused := n.Ada.TrySend(aim.request(n.Room, n.NewID(), target))
						t.Run(aim.name+" one "+name, func(t *testing.T) {
							refused.Check(t, harness.WantError{Code: connect.CodeNotFound, Field: aim.field, Bound: targetBound})
						})
					}
				}
				checkOwners(t, n, at, anonymous)
				checkBounds(t, n, at)
				checkNothingSent(ctx, t, n, at)
			})
		}
	}
}

// checkOwners checks that edits and deletions are the sender's alone.
func checkOwners(t *testing.T, n *harness.Pair, at *targets, anonymous *harness.Participant) {
	t.Helper()
	for _, aim := range targetUses {
		for name, target := range map[string]uint64{"someone else's": at.others, "nobody's": at.anonymous} {
			if aim.owned {
				_, refused := n.Ada.TrySend(aim.request(n.Room, n.NewID(), target))
				t.Run(aim.name+" "+name, func(t *testing.T) {
					refused.Check(t, harness.WantError{Code: connect.CodePermissionDenied, Field: aim.field, Bound: "must be a message of the caller's own"})
				})
			}
			if !aim.open {
				_, refused := anonymous.TrySend(aim.request(n.Room, n.NewID(), target))
				t.Run(aim.name+" without a token "+name, func(t *testing.T) {
					refused.Check(t, harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_REQUIRED", Bound: "sign in"})
				})
			}
		}
	}
}

// checkBounds checks what else is in the requests.
func checkBounds(t *testing.T, n *harness.Pair, at *targets) {
	t.Helper()
	for name, c := range map[string]struct {
		request *chatv1.SendRequest
		field   string
		bound   string
	}{
		"edit nothing":               {harness.EditRequest(n.Room, "id", 0, "text"), "edit.target", "must be greater than or equal to 1"},
		"delete nothing":             {harness.DeletionRequest(n.Room, "id", 0), "deletion.target", "must be greater than or equal to 1"},
		"react to nothing":           {harness.ReactionRequest(n.Room, "id", 0, "👍", false), "reaction.target", "must be greater than or equal to 1"},
		"edit without a text":        {harness.EditRequest(n.Room, "id", at.own, ""), "edit.text", "must not be empty"},
		"edit to white space":        {harness.EditRequest(n.Room, "id", at.own, " \u2003\n"), "edit.text", "visible"},
		"edit to 4,001 characters":   {harness.EditRequest(n.Room, "id", at.own, strings.Repeat("界", 4001)), "edit.text", "4000"},
		"react without an emoji":     {harness.ReactionRequest(n.Room, "id", at.own, "", false), "reaction.emoji", "must not be empty"},
		"react with 65 bytes":        {harness.ReactionRequest(n.Room, "id", at.own, strings.Repeat("a", 65), false), "reaction.emoji", "64"},
		"react with white space":     {harness.ReactionRequest(n.Room, "id", at.own, "a b", false), "reaction.emoji", "one emoji"},
		"react with a control":       {harness.ReactionRequest(n.Room, "id", at.own, "a\x07", false), "reaction.emoji", "one emoji"},
		"edit others' to nothing":    {harness.EditRequest(n.Room, "id", at.others, ""), "edit.text", "must not be empty"},
		"say that one has come":      {&chatv1.SendRequest{Room: n.Room, Id: "id"}, "body", "exactly one field is required"},
		"an event of no known type":  {&chatv1.SendRequest{Room: n.Room, Id: "id", Body: &chatv1.SendRequest_Custom{Custom: &chatv1.Custom{}}}, "custom.payload", "must be set"},
		"a deletion in another room": {harness.DeletionRequest(n.Room+"!", "id", at.own), "room", harness.RoomNameRule},
	} {
		_, refused := n.Ada.TrySend(c.request)
		t.Run(name, func(t *testing.T) { refused.Check(t, harness.InvalidArgument(c.field, c.bound)) })
	}
}

// checkNothingSent checks that nothing of what was refused is in the room.
func checkNothingSent(ctx context.Context, t *testing.T, n *harness.Pair, at *targets) {
	t.Helper()
	last := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "after all"})
	if e := n.Ben.AwaitSequence(t, last); e.GetPrevious() != at.delete {
		t.Errorf("the event after what was refused is %v, want it to follow %d", e, at.delete)
	}
	page, err := n.Ben.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.Room})
	harness.Must(t, err)
	const want = "ada: ada's, again (edited) 👍 ada\nben: ben's\nanonymous: nobody's\nada: after all\n"
	if got := viewOf(t, page.GetEvents()).render(n.Names); got != want {
		t.Errorf("after what was refused the room is:\n%swant:\n%s", got, want)
	}
}
