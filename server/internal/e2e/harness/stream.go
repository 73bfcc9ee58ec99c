package harness

import (
	"context"
	"fmt"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// Stream is a stream, or the error that it could not be opened with.
type Stream struct {
	Receive func() (*chatv1.Frame, error)
	Close   func() // after its context has ended
}

func FailedStream(err error) Stream {
	return Stream{func() (*chatv1.Frame, error) { return nil, err }, func() {}}
}

func OpenSubscribe(ctx context.Context, client chatv1connect.ChatRoomClient, room string) Stream {
	stream, err := client.Subscribe(ctx, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: room}}})
	if err != nil {
		return FailedStream(err)
	}
	return Stream{func() (*chatv1.Frame, error) {
		if !stream.Receive() {
			return nil, stream.Err()
		}
		return stream.Msg().GetFrame(), nil
	}, func() { _ = stream.Close() }}
}

// Joined checks that the stream begins as it should.
func (s Stream) Joined() error {
	f, err := s.Receive()
	if err == nil && f.GetJoined() == nil {
		err = fmt.Errorf("first frame %v, want Joined", f)
	}
	return err
}
