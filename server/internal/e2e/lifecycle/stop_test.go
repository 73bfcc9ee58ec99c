package lifecycle

import (
	"errors"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// When the service stops, streams receive Draining, and end as unavailable, upon which
// clients reconnect.
func TestStopEndsStreamsAsUnavailable(t *testing.T) {
	s := harness.Start(t)
	clients := map[string]chatv1connect.ChatRoomClient{
		"HTTP/2":   chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL),
		"HTTP/1.1": chatv1connect.NewChatRoomClient(harness.HTTP1Client(t), s.URL),
	}
	streams := make(map[string]*connect.ServerStreamForClient[chatv1.SubscribeResponse])
	for name, client := range clients {
		stream, err := client.Subscribe(t.Context(), &chatv1.SubscribeRequest{
			Rooms: []*chatv1.Subscription{{Room: "lobby"}},
		})
		if err != nil {
			t.Fatalf("Subscribe over %s: %v", name, err)
		}
		defer stream.Close()
		if !stream.Receive() || stream.Msg().GetFrame().GetJoined() == nil {
			t.Fatalf("first frame over %s = %v, %v, want Joined", name, stream.Msg(), stream.Err())
		}
		streams[name] = stream
	}
	s.BeginStop()
	for name, stream := range streams {
		draining := false
		for stream.Receive() {
			draining = draining || stream.Msg().GetFrame().GetDraining() != nil
		}
		if !draining {
			t.Errorf("over %s no Draining came before the end", name)
		}
		if connectErr := new(connect.Error); !errors.As(stream.Err(), &connectErr) || connectErr.Code() != connect.CodeUnavailable {
			t.Errorf("end of the stream over %s = %v, want code unavailable", name, stream.Err())
		}
	}
	s.Stop(t)
}
