package rights

import (
	"context"
	"fmt"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	hellopb "chatroom/gen/hello"
	"chatroom/gen/hello/helloconnect"
	"chatroom/server/internal/e2e/harness"
)

// The Chat of 2019 asks for the same rights in the lobby as the other methods: read to begin,
// and post to send.
func TestHelloNeedsRights(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	guest, _ := s.SignIn(t, "guest")
	muted, m := s.SignIn(t, "muted")
	banned, b := s.SignIn(t, "banned")
	admin, a := s.SignIn(t, "admin")
	s.Stop(t)
	for _, have := range []set{allBut(), allBut("read"), allBut("post"), allBut("create")} {
		policy := fmt.Sprintf("rooms: [{pattern: lobby, anonymous: %s, guest: %s, members: {%s: [read, moderate]}}]",
			have.list(forMembers...), have.list("moderate"), a.GetId())
		s := harness.Start(t, harness.InDir(data), harness.WithPolicy(t, policy))
		ctx, moderator := harness.Context(t), harness.ConnectHTTP1.Open(t, s, admin)
		_, err := moderator.Mute(ctx, &chatv1.MuteRequest{Room: "lobby", Subject: subject(m.GetId())})
		harness.Must(t, err)
		_, err = moderator.Ban(ctx, &chatv1.BanRequest{Room: "lobby", Subject: subject(b.GetId())})
		harness.Must(t, err)
		for protocol, options := range map[string][]connect.ClientOption{"Connect": nil, "gRPC": {connect.WithGRPC()}} {
			for _, c := range []struct {
				who     *caller
				token   string
				mayPost bool
			}{
				{&caller{name: "anonymous", visitor: true}, "", have["read"] && have["post"]},
				{&caller{name: "guest"}, guest, have["read"] && have["post"]},
				{&caller{name: "muted guest", effect: "mute"}, muted, false},
				{&caller{name: "banned guest", effect: "ban"}, banned, false},
			} {
				var want connect.Code
				if !c.mayPost {
					want = c.who.refused()
				}
				client := helloconnect.NewChatRoomClient(harness.BearerClient{Client: harness.H2CClient(t), Token: c.token}, s.URL, options...)
				var got connect.Code
				err := echo(ctx, client)
				if err != nil {
					got = connect.CodeOf(err)
				}
				if got != want {
					t.Errorf("%s: Chat of 2019 by %s with %s = %v, want code %v", protocol, c.who.name, have.list(), err, want)
				}
			}
		}
		s.Stop(t)
	}
}

// echo sends a message and waits for it, or for the end of the stream.
func echo(ctx context.Context, c helloconnect.ChatRoomClient) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.Chat(ctx)
	if err != nil {
		return err
	}
	_ = stream.Send(&hellopb.ChatRequest{Message: "hi"}) // of a stream that was refused: the reason is received
	_, err = stream.Receive()
	return err
}
