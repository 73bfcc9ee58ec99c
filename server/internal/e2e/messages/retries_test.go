package messages

import (
	"fmt"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// A retry is answered as the first send was, even if its target or its own event is
// deleted meanwhile.
func TestRetriesAreAnsweredAsTheFirst(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				n := s.JoinPair(harness.Context(t), t, d, m, fmt.Sprintf("retries-%d-%d", i, m))
				said := harness.MessageRequest(n.Room, "said", &chatv1.Message{Text: "said"})
				target := n.SendAndReceive(t, n.Ada, said)
				edit := harness.EditRequest(n.Room, "edit", target, "edited")
				n.SendAndReceive(t, n.Ada, edit)
				retries := []*retry{
					{what: "a reply", request: harness.MessageRequest(n.Room, "reply", &chatv1.Message{Text: "reply", ReplyTo: target})},
					{what: "a reaction", request: harness.ReactionRequest(n.Room, "react", target, "👍", false)},
				}
				for _, r := range retries {
					r.first = n.Ada.MustSend(t, r.request)
					r.check(t, n.Ada)
				}
				deletion := &retry{what: "a deletion", request: harness.DeletionRequest(n.Room, "delete", target)}
				deletion.first = n.Ada.MustSend(t, deletion.request)
				again := n.Ada.MustSend(t, deletion.request)
				if !again.GetDuplicate() || again.GetSequence() != deletion.first.GetSequence() || !proto.Equal(again.GetTime(), deletion.first.GetTime()) {
					t.Errorf("a deletion, retried, was answered %v, want the duplicate of %v", again, deletion.first)
				}
				for _, r := range append(retries, deletion) {
					t.Run(r.what+", when the target is deleted", func(t *testing.T) {
						r.check(t, n.Ada)
					})
				}
				if again := n.Ada.MustSend(t, said); !again.GetDuplicate() || again.GetSequence() != target {
					t.Errorf("a deleted message, sent again, was answered %v, want the duplicate of %d", again, target)
				}
				_, refused := n.Ben.TrySend(harness.DeletionRequest(n.Room, "delete", target))
				refused.Check(t, harness.WantError{Code: connect.CodeNotFound, Field: "deletion.target", Bound: targetBound})
				_, refused = n.Ada.TrySend(harness.DeletionRequest(n.Room, "delete again", target))
				refused.Check(t, harness.WantError{Code: connect.CodeNotFound, Field: "deletion.target", Bound: targetBound})
				last := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "last"})
				if e := n.Ben.AwaitSequence(t, last); e.GetPrevious() != deletion.first.GetSequence() {
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

func (r *retry) check(t *testing.T, a *harness.Participant) {
	t.Helper()
	want := proto.CloneOf(r.first)
	want.Duplicate = true
	if again := a.MustSend(t, r.request); !proto.Equal(again, want) {
		t.Errorf("%s, retried, was answered %v, want %v", r.what, again, want)
	}
}
