package presence

import (
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// Typing is delivered once in three seconds, and its end at once. Neither is in the
// history.
func TestTyping(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				ctx := harness.Context(t)
				n := s.JoinPair(ctx, t, d, m, fmt.Sprintf("typing-%d-%d", i, m))
				began := time.Now()
				for range 20 {
					if response := n.Ada.MustSend(t, harness.TypingRequest(n.Room, n.NewID(), false)); response.GetSequence() != 0 {
						t.Errorf("typing was answered %v, want no sequence", response)
					}
				}
				n.Ada.MustSend(t, harness.TypingRequest(n.Room, n.NewID(), true))
				n.Ada.MustSend(t, harness.TypingRequest(n.Room, n.NewID(), true))
				n.Ada.MustSend(t, harness.TypingRequest(n.Room, n.NewID(), false))
				n.Ben.MustSend(t, harness.TypingRequest(n.Room, n.NewID(), true)) // it never began
				last := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "typed"})
				n.Ben.AwaitSequence(t, last)
				most := 1 + int(time.Since(began)/(3*time.Second)) // of the twenty
				var told []string
				for _, e := range n.Ben.Events {
					if typing := e.GetTyping(); typing != nil {
						told = append(told, fmt.Sprint(e.GetSender().GetName(), typing.GetStopped()))
						if e.GetSequence() != 0 || e.GetSender().GetId() != n.Ada.Member.GetId() {
							t.Errorf("received %v, want ada, and no sequence", e)
						}
					}
				}
				want := fmt.Sprint([]string{"adafalse", "adatrue", "adafalse"})
				if got := fmt.Sprint(told); got != want && (most == 1 || len(told) > most+2) {
					t.Errorf("received %v, want %v", got, want)
				}
				page, err := n.Ben.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.Room})
				harness.Must(t, err)
				if len(page.GetEvents()) != 1 {
					t.Errorf("history = %v, want the message alone", page.GetEvents())
				}
				anonymous := s.JoinWithToken(ctx, t, d, m, "", &chatv1.Subscription{Room: n.Room})
				_, refused := anonymous.TrySend(harness.TypingRequest(n.Room, "anonymous", false))
				refused.Check(t, harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_REQUIRED", Bound: "sign in"})
			})
		}
	}
}
