package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// rename signs in with a token, under another name.
func (s *testService) rename(ctx context.Context, t *testing.T, token, name string) (renewed string) {
	t.Helper()
	identity, err := chatv1connect.NewChatRoomClient(bearer{h2cClient(t), token}, s.URL).SignIn(ctx, &chatv1.SignInRequest{Name: name})
	must(t, err)
	return identity.GetToken()
}

// Who types is told of once in three seconds, however often it says so, and that it
// has stopped at once. Nothing of it is kept.
func TestLifeTyping(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range lifeDoors {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				t.Parallel()
				ctx := bounded(t)
				n := s.settle(ctx, t, d, m, fmt.Sprintf("typing-%d-%d", i, m))
				began := time.Now()
				for range 20 {
					if response := n.ada.do(t, typing(n.room, n.id(), false)); response.GetSequence() != 0 {
						t.Errorf("typing was answered %v, want no sequence", response)
					}
				}
				n.ada.do(t, typing(n.room, n.id(), true))
				n.ada.do(t, typing(n.room, n.id(), true))
				n.ada.do(t, typing(n.room, n.id(), false))
				n.ben.do(t, typing(n.room, n.id(), true)) // it never began
				last := n.says(t, n.ada, &chatv1.Message{Text: "typed"})
				n.ben.hears(t, last)
				most := 1 + int(time.Since(began)/(3*time.Second)) // of the twenty
				var told []string
				for _, e := range n.ben.heard {
					if typing := e.GetTyping(); typing != nil {
						told = append(told, fmt.Sprint(e.GetSender().GetName(), typing.GetStopped()))
						if e.GetSequence() != 0 || e.GetSender().GetId() != n.ada.member.GetId() {
							t.Errorf("told of %v, want ada, and no sequence", e)
						}
					}
				}
				want := fmt.Sprint([]string{"adafalse", "adatrue", "adafalse"})
				if got := fmt.Sprint(told); got != want && (most == 1 || len(told) > most+2) {
					t.Errorf("told %v, want %v", got, want)
				}
				page, err := n.ben.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.room})
				must(t, err)
				if len(page.GetEvents()) != 1 {
					t.Errorf("history = %v, want the message alone", page.GetEvents())
				}
				anonymous := s.moveAs(ctx, t, d, m, "", &chatv1.Subscription{Room: n.room})
				_, refused := anonymous.try(typing(n.room, "anonymous", false))
				refused.check(t, badinputWant{code: connect.CodeUnauthenticated, info: "TOKEN_REQUIRED", bound: "sign in"})
			})
		}
	}
}
