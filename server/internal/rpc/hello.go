package rpc

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"connectrpc.com/connect"

	hellopb "chatroom/gen/hello"
	"chatroom/gen/hello/helloconnect"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
)

// helloRoom is the room that the 2019 contract's clients are in.
const helloRoom = "lobby"

// hello implements hello.ChatRoom, the 2019 contract: one room, live only.
type hello struct{ server *Server }

var _ helloconnect.ChatRoomHandler = (*hello)(nil)

// Chat implements helloconnect.ChatRoomHandler.
func (h *hello) Chat(ctx context.Context, bidi *connect.BidiStream[hellopb.ChatRequest, hellopb.ChatResponse]) error {
	conn := bidi.Conn()
	s, err := h.server.newStream(ctx, func(_ *stream, item any) any {
		// These clients know no frames, and no other kind of event.
		if e, ok := item.(*chat.Event); ok {
			if _, ok := e.Body.(chat.Message); ok {
				return (*helloMessage)(e)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.joinRooms(ctx, hub.Start{Room: helloRoom}); err != nil {
		s.abandon()
		return err
	}
	s.answers.queue = make(chan answer, 1)
	if err := s.begin(ctx, conn); err != nil {
		return err
	}
	s.converse(func() error {
		return receive(conn, func(request *hellopb.ChatRequest, refusal *connect.Error) error {
			if refusal != nil {
				return refusal
			}
			if err := h.throttle(ctx, s); err != nil {
				return err
			}
			if err := h.server.checkCredential(identified(ctx), time.Now()); err != nil {
				return err
			}
			if err := h.server.authorizeIn(ctx, rightsOf(ctx), helloRoom, policy.Post); err != nil {
				return err
			}
			_, err := h.server.config.Hub.Send(ctx, s.feed.Member(), chat.Post{
				Room: helloRoom,
				ID:   rand.Text(), // these clients don't name their sends, and so can't retry them
				Body: chat.Message{Text: request.GetMessage()},
			})
			if field, ok := errors.AsType[*chat.FieldError](err); ok && field.Field == "message.text" {
				return &chat.FieldError{Field: "message", Rule: field.Rule, Bound: field.Bound}
			}
			return err
		})
	})
	return nil
}

// throttle waits until the limits let a message pass. These clients know no refusal but
// the end of the stream, and can only be slowed down.
func (h *hello) throttle(ctx context.Context, s *stream) error {
	for {
		err := h.server.charge(ctx, ratelimit.Send, 1, helloRoom)
		refusal, ok := errors.AsType[*ratelimit.Refusal](err)
		if !ok {
			return err
		}
		s.pause(ctx, refusal.RetryAfter)
		if ctx.Err() != nil || s.ctx.Err() != nil || h.server.serving.Err() != nil {
			return err
		}
	}
}
