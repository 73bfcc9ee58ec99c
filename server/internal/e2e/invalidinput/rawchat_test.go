package invalidinput

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// rawChat is a Chat stream on which anything can be sent.
type rawChat struct {
	protocol rawProtocol
	stream   *connect.BidiStreamForClient[rawRequest, chatv1.ChatResponse]
}

// openRawChat opens a stream that ends with the test, or when it has taken
// too long.
func openRawChat(t *testing.T, s *harness.Service, d rawProtocol, options ...connect.ClientOption) *rawChat {
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(callTimeout, cancel)
	c := &rawChat{
		protocol: d,
		stream:   newRawClient[chatv1.ChatResponse](s, d, chatv1connect.ChatRoomChatProcedure, options...).CallBidiStream(ctx),
	}
	t.Cleanup(func() {
		timer.Stop()
		cancel()
		_ = c.stream.CloseRequest()
		_ = c.stream.CloseResponse()
	})
	return c
}

// send sends a request. The server may end the stream before it has read all of
// it: then the reason is received.
func (c *rawChat) send(t *testing.T, request rawRequest) {
	t.Helper()
	if err := c.stream.Send(&request); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("Send on the stream: %v", err)
	}
}

// sendMessage sends a request that can be encoded.
func (c *rawChat) sendMessage(t *testing.T, m proto.Message) {
	t.Helper()
	c.send(t, encode(m).in(c.protocol.codec))
}

// join joins a room, up to CaughtUp.
func (c *rawChat) join(t *testing.T, room string) {
	t.Helper()
	c.sendMessage(t, harness.JoinAction(&chatv1.Subscription{Room: room}))
	for caughtUp := false; !caughtUp; {
		caughtUp = c.receive(t).GetCaughtUp() != nil
	}
}

// sendValid sends a valid message, and waits for its Accepted.
func (c *rawChat) sendValid(t *testing.T, room *observedRoom) {
	t.Helper()
	text := room.next()
	c.sendMessage(t, &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: messageInRoom(text, text)}})
	if reply, err := c.reply(); err != nil || reply.GetAccepted().GetId() != text {
		t.Fatalf("the answer is %v, %v, want Accepted of %q", reply, err, text)
	}
}

// reply returns the next frame that answers a request, or the error that the
// stream ends with.
func (c *rawChat) reply() (*chatv1.Frame, error) {
	for {
		response, err := c.stream.Receive()
		if f := response.GetFrame(); err != nil || f.GetAccepted() != nil || f.GetRejected() != nil {
			return f, err
		}
	}
}

func (c *rawChat) receive(t *testing.T) *chatv1.Frame {
	t.Helper()
	response, err := c.stream.Receive()
	if err != nil {
		t.Fatalf("Receive: %v, want a frame", err)
	}
	return response.GetFrame()
}

// ends returns the error that the stream ends with.
func (c *rawChat) ends() error {
	for {
		if _, err := c.stream.Receive(); err != nil {
			return err
		}
	}
}
