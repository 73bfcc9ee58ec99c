package invalidinput

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// callTimeout bounds every wait of these tests.
const callTimeout = 20 * time.Second

// roomName is the room that all bad input is about. It is the one of the
// 2019 contract, so that its clients' bad input is too.
const roomName = "lobby"

// fixture is a server, the ways to call it, and somebody who listens.
type fixture struct {
	s     *harness.Service
	doors []rawProtocol
	room  *listenedRoom
}

func newFixture(t *testing.T, options ...harness.Option) *fixture {
	t.Parallel()
	s := harness.Start(t, options...)
	return &fixture{s: s, doors: rawProtocols(t), room: newListenedRoom(t, s)}
}

// bidi returns the doors through which both sides can talk at once.
func (b *fixture) bidi() []rawProtocol {
	return slices.DeleteFunc(slices.Clone(b.doors), func(d rawProtocol) bool { return !d.bidi })
}

// run tries a bad request on each door where it can be said, between two
// messages that are in order.
func (b *fixture) run(t *testing.T, c refusedCase, doors []rawProtocol, try func(*testing.T, rawProtocol, rawRequest)) {
	t.Run(c.name, func(t *testing.T) {
		for _, d := range doors {
			if request := c.body.in(d.codec); request != nil {
				t.Run(d.name, func(t *testing.T) {
					b.undisturbed(t, func() { try(t, d, request) })
				})
			}
		}
	})
}

// undisturbed checks that the listener hears what is said before and after try,
// and nothing else.
func (b *fixture) undisturbed(t *testing.T, try func()) {
	t.Helper()
	b.room.says(t)
	try()
	b.room.says(t)
	b.room.hears(t)
}

// callRaw makes one call and returns the error that it is answered with.
func callRaw(t *testing.T, s *harness.Service, d rawProtocol, procedure string, request rawRequest, options ...connect.ClientOption) error {
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	defer cancel()
	var err error
	switch procedure {
	case chatv1connect.ChatRoomSubscribeProcedure:
		client := newRawClient[chatv1.SubscribeResponse](s, d, procedure, options...)
		stream, openErr := client.CallServerStream(ctx, connect.NewRequest(&request))
		if openErr != nil {
			return openErr
		}
		defer stream.Close()
		if stream.Receive() {
			t.Errorf("received %v, want an error", stream.Msg())
		}
		return stream.Err()
	case chatv1connect.ChatRoomSendProcedure:
		_, err = newRawClient[chatv1.SendResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	case chatv1connect.ChatRoomListEventsProcedure:
		_, err = newRawClient[chatv1.ListEventsResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	case chatv1connect.ChatRoomListRoomsProcedure:
		_, err = newRawClient[chatv1.ListRoomsResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	case chatv1connect.ChatRoomSignInProcedure:
		_, err = newRawClient[chatv1.SignInResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	default:
		t.Fatalf("no way to call %s", procedure)
	}
	return err
}

// listenedRoom is a room with somebody who only listens.
type listenedRoom struct {
	client chatv1connect.ChatRoomClient
	stream *connect.ServerStreamForClient[chatv1.SubscribeResponse]
	cancel context.CancelFunc
	epoch  string
	said   []string // and not yet heard
	count  int
	last   uint64
}

func newListenedRoom(t *testing.T, s *harness.Service) *listenedRoom {
	ctx, cancel := context.WithCancel(t.Context())
	r := &listenedRoom{client: chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL), cancel: cancel}
	defer r.limit()()
	var err error
	r.stream, err = r.client.Subscribe(ctx, &chatv1.SubscribeRequest{
		Rooms: []*chatv1.Subscription{{Room: roomName}},
	})
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	t.Cleanup(func() { cancel(); _ = r.stream.Close() })
	if !r.stream.Receive() {
		t.Fatalf("no first frame: %v", r.stream.Err())
	}
	joined := r.stream.Msg().GetFrame().GetJoined()
	if len(joined.GetRooms()) != 1 {
		t.Fatalf("first frame = %v, want Joined", r.stream.Msg())
	}
	r.epoch, r.last = joined.GetRooms()[0].GetEpoch(), joined.GetRooms()[0].GetHead()
	return r
}

// limit ends the stream if the returned function is not called in time.
func (r *listenedRoom) limit() (lift func()) {
	timer := time.AfterFunc(callTimeout, r.cancel)
	return func() { timer.Stop() }
}

// next returns a text that was not said before, and will be heard.
func (r *listenedRoom) next() string {
	r.count++
	text := fmt.Sprintf("good %d", r.count)
	r.said = append(r.said, text)
	return text
}

// says says something that is in order.
func (r *listenedRoom) says(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	defer cancel()
	text := r.next()
	if _, err := r.client.Send(ctx, messageInRoom(text, text)); err != nil {
		t.Fatalf("Send of something good: %v", err)
	}
}

// hears checks that the listener got what was said since, and nothing else.
func (r *listenedRoom) hears(t *testing.T) {
	t.Helper()
	defer r.limit()()
	for len(r.said) > 0 {
		if !r.stream.Receive() {
			t.Fatalf("the listener's stream ended: %v", r.stream.Err())
		}
		frame := r.stream.Msg().GetFrame()
		switch e := frame.GetEvent(); {
		case harness.IsEphemeral(frame):
		case e != nil:
			if e.GetMessage().GetText() != r.said[0] || e.GetPrevious() != r.last {
				t.Fatalf("the listener got %v after sequence %d, want %q", e, r.last, r.said[0])
			}
			r.said, r.last = r.said[1:], e.GetSequence()
		case frame.GetCaughtUp() == nil && frame.GetHeartbeat() == nil:
			t.Fatalf("the listener got %v, want events only", frame)
		}
	}
}

func messageInRoom(id, text string) *chatv1.SendRequest {
	return &chatv1.SendRequest{
		Room: roomName,
		Id:   id,
		Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}},
	}
}
