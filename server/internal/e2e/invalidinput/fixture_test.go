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
const callTimeout = time.Minute

// roomName is the room of all invalid requests. It is the one of the 2019 contract, whose
// clients send invalid requests, too.
const roomName = "lobby"

// fixture is a service, the protocols to call it with, and a room with a subscriber.
type fixture struct {
	s         *harness.Service
	protocols []rawProtocol
	room      *observedRoom
}

func newFixture(t *testing.T, options ...harness.Option) *fixture {
	t.Parallel()
	s := harness.Start(t, options...)
	return &fixture{s: s, protocols: rawProtocols(t), room: newObservedRoom(t, s)}
}

// bidi returns the protocols that can do bidirectional streams.
func (b *fixture) bidi() []rawProtocol {
	return slices.DeleteFunc(slices.Clone(b.protocols), func(d rawProtocol) bool { return !d.bidi })
}

// run tries an invalid request on each protocol that can encode it, between two valid
// messages.
func (b *fixture) run(t *testing.T, c refusedCase, protocols []rawProtocol, try func(*testing.T, rawProtocol, rawRequest)) {
	t.Run(c.name, func(t *testing.T) {
		for _, d := range protocols {
			if request := c.body.in(d.codec); request != nil {
				t.Run(d.name, func(t *testing.T) {
					b.betweenValidMessages(t, func() { try(t, d, request) })
				})
			}
		}
	})
}

// betweenValidMessages checks that the subscriber receives the messages that are sent
// before and after try, and nothing else.
func (b *fixture) betweenValidMessages(t *testing.T, try func()) {
	t.Helper()
	b.room.sendValid(t)
	try()
	b.room.sendValid(t)
	b.room.expectPending(t)
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
	case chatv1connect.ChatRoomSendBatchProcedure:
		_, err = newRawClient[chatv1.SendBatchResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	case chatv1connect.ChatRoomRenewStreamProcedure:
		_, err = newRawClient[chatv1.RenewStreamResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	case chatv1connect.ChatRoomRevokeTokensProcedure:
		_, err = newRawClient[chatv1.RevokeTokensResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	default:
		t.Fatalf("no way to call %s", procedure)
	}
	return err
}

// observedRoom is a room with a subscriber.
type observedRoom struct {
	client  chatv1connect.ChatRoomClient
	stream  *connect.ServerStreamForClient[chatv1.SubscribeResponse]
	cancel  context.CancelFunc
	epoch   string
	pending []string // not yet received
	count   int
	last    uint64
}

func newObservedRoom(t *testing.T, s *harness.Service) *observedRoom {
	ctx, cancel := context.WithCancel(t.Context())
	r := &observedRoom{client: chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL), cancel: cancel}
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
func (r *observedRoom) limit() (lift func()) {
	timer := time.AfterFunc(callTimeout, r.cancel)
	return func() { timer.Stop() }
}

// next returns a new text that the subscriber has to receive.
func (r *observedRoom) next() string {
	r.count++
	text := fmt.Sprintf("good %d", r.count)
	r.pending = append(r.pending, text)
	return text
}

// sendValid sends a valid message.
func (r *observedRoom) sendValid(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	defer cancel()
	text := r.next()
	if _, err := r.client.Send(ctx, messageInRoom(text, text)); err != nil {
		t.Fatalf("Send of a valid message: %v", err)
	}
}

// expectPending checks that the subscriber receives the pending messages, and nothing
// else.
func (r *observedRoom) expectPending(t *testing.T) {
	t.Helper()
	defer r.limit()()
	for len(r.pending) > 0 {
		if !r.stream.Receive() {
			t.Fatalf("the subscriber's stream ended: %v", r.stream.Err())
		}
		frame := r.stream.Msg().GetFrame()
		switch e := frame.GetEvent(); {
		case harness.IsEphemeral(frame):
		case e != nil:
			if e.GetMessage().GetText() != r.pending[0] || e.GetPrevious() != r.last {
				t.Fatalf("the subscriber received %v after sequence %d, want %q", e, r.last, r.pending[0])
			}
			r.pending, r.last = r.pending[1:], e.GetSequence()
		case frame.GetCaughtUp() == nil && frame.GetHeartbeat() == nil:
			t.Fatalf("the subscriber received %v, want events only", frame)
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
