package oldclients

import (
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// A client of 2019 receives each message of the lobby after its join, its own included,
// and others receive what it sends.
func TestClientsOfHello2019(t *testing.T) {
	t.Parallel()
	for _, old := range harness.OldClients {
		t.Run(old.Name, func(t *testing.T) {
			t.Parallel()
			s, ctx := harness.Start(t), harness.Context(t)
			token, gopher := s.SignIn(t, "gopher")
			v := harness.OpenGRPCGo(t, s, token)
			before := harness.SendTexts(ctx, t, v, "lobby", 0, 1)[0]
			receive, err := v.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
			if err != nil {
				t.Fatalf("Subscribe: %v", err)
			}
			receive.Joined(t)
			client := old.Open(t, s)
			s.AwaitMembers(ctx, t, "lobby", 2)

			harness.SendTexts(ctx, t, v, "elsewhere", 1, 1)
			harness.SendTexts(ctx, t, v, "lobby", 2, 1)
			harness.ExpectText(t, client, "2")
			const said = "grüße aus 2019"
			if err := client.Send(said); err != nil {
				t.Fatalf("say: %v", err)
			}
			harness.ExpectText(t, client, said)
			events := receive.Events(t, before.GetSequence(), 2)
			if from := events[0].GetSender(); from.GetId() != gopher.GetId() {
				t.Errorf("sender of %v, want %v", events[0], gopher)
			}
			from := events[1].GetSender()
			if events[1].GetMessage().GetText() != said || from.GetName() != "anonymous" || from.GetId() != "" || !from.GetGuest() {
				t.Errorf("event = %v, want %q of an anonymous guest", events[1], said)
			}
		})
	}
}
