package rpc

import (
	"context"
	"errors"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/chat"
)

// chatRoom implements chat.v1.ChatRoom.
type chatRoom struct{ server *Server }

var _ chatv1connect.ChatRoomHandler = (*chatRoom)(nil)

var (
	errNotAJoin    = fieldError(connect.CodeInvalidArgument, "join", "join.first", "must be set in the first request on a stream")
	errNeverJoined = fieldError(connect.CodeInvalidArgument, "join", "join.first", "must be set in the first request on a stream, and none came")
)

// Chat implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) Chat(ctx context.Context, bidi *connect.BidiStream[chatv1.ChatRequest, chatv1.ChatResponse]) error {
	conn := bidi.Conn()
	feed := c.server.config.Chat.NewFeed(caller(ctx))
	s := &stream{
		server: c.server,
		feed:   feed,
		frame:  func(f *chatv1.Frame) error { return conn.Send(&chatv1.ChatResponse{Frame: f}) },
		event:  func(e *chat.Event) error { return conn.Send((*eventFrame)(e)) },
		requests: func(ctx context.Context, answer func(*chatv1.Frame)) error {
			joined := false
			err := receive(conn, func(request *chatv1.ChatRequest, refusal *connect.Error) error {
				if !joined && request.GetJoin() == nil && refusal == nil {
					return errNotAJoin
				}
				reply, err := c.do(ctx, feed, request, refusal)
				if err != nil && (!joined || err.Code() == connect.CodeUnavailable || ctx.Err() != nil) {
					return err
				}
				joined = true
				if err != nil {
					reply = rejectedFrame(request.GetSend().GetId(), roomOf(request), err)
				}
				if reply != nil {
					answer(reply)
				}
				return nil
			})
			if err == nil && !joined {
				return errNotAJoin
			}
			return err
		},
	}
	return s.serve(ctx, conn)
}

// do carries out one request of a Chat stream and returns the answer, if there
// is one: a join is answered by the feed.
func (c *chatRoom) do(ctx context.Context, feed *chat.Feed, request *chatv1.ChatRequest, refusal *connect.Error) (*chatv1.Frame, *connect.Error) {
	if refusal != nil {
		return nil, refusal
	}
	var err error
	switch action := request.GetAction().(type) {
	case *chatv1.ChatRequest_Join:
		err = inField("join", feed.Join(ctx, fromSubscription(action.Join)))
	case *chatv1.ChatRequest_Leave:
		err = inField("leave", feed.Leave(action.Leave.GetRoom()))
	case *chatv1.ChatRequest_Send:
		post := fromSend(action.Send)
		var receipt chat.Receipt
		if receipt, err = c.server.config.Chat.Send(ctx, feed.Member(), post); err == nil {
			return acceptedFrame(post, receipt), nil
		}
		err = inField("send", err)
	}
	if err != nil {
		return nil, toError(ctx, c.server.config.Log, err)
	}
	return nil, nil
}

func roomOf(r *chatv1.ChatRequest) string {
	switch action := r.GetAction().(type) {
	case *chatv1.ChatRequest_Join:
		return action.Join.GetRoom()
	case *chatv1.ChatRequest_Leave:
		return action.Leave.GetRoom()
	default:
		return r.GetSend().GetRoom()
	}
}

// Subscribe implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) Subscribe(ctx context.Context, request *chatv1.SubscribeRequest, out *connect.ServerStream[chatv1.SubscribeResponse]) error {
	conn := out.Conn()
	feed := c.server.config.Chat.NewFeed(caller(ctx))
	starts := make([]chat.Start, len(request.GetRooms()))
	for i, subscription := range request.GetRooms() {
		starts[i] = fromSubscription(subscription)
	}
	if err := feed.Join(ctx, starts...); err != nil {
		return inField("rooms", err)
	}
	s := &stream{
		server: c.server,
		feed:   feed,
		frame:  func(f *chatv1.Frame) error { return conn.Send(&chatv1.SubscribeResponse{Frame: f}) },
		event:  func(e *chat.Event) error { return conn.Send((*eventFrame)(e)) },
	}
	return s.serve(ctx, conn)
}

// Send implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) Send(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	receipt, err := c.server.config.Chat.Send(ctx, caller(ctx), fromSend(request))
	if err != nil {
		return nil, err
	}
	return &chatv1.SendResponse{
		Epoch:     receipt.At.Epoch,
		Sequence:  receipt.At.Sequence,
		Time:      toTime(receipt.Time),
		Duplicate: receipt.Duplicate,
	}, nil
}

// ListEvents implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) ListEvents(ctx context.Context, request *chatv1.ListEventsRequest) (*chatv1.ListEventsResponse, error) {
	page, err := c.server.config.Chat.History(ctx, chat.Query{
		Room:   request.GetRoom(),
		After:  fromCursor(request.GetAfter()),
		Before: fromCursor(request.GetBefore()),
		Limit:  int(request.GetLimit()),
		Wait:   request.GetWait().AsDuration(),
	})
	if err != nil {
		return nil, err
	}
	response := &chatv1.ListEventsResponse{Epoch: page.Epoch, More: page.More, Next: toCursor(page.Next)}
	for _, e := range page.Events {
		response.Events = append(response.Events, toEvent(e))
	}
	return response, nil
}

// ListRooms implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) ListRooms(ctx context.Context, request *chatv1.ListRoomsRequest) (*chatv1.ListRoomsResponse, error) {
	size := int(request.GetPageSize())
	if size == 0 {
		size = 100
	}
	rooms, more, err := c.server.config.Chat.Rooms(ctx, request.GetPageToken(), size)
	if err != nil {
		return nil, err
	}
	response := &chatv1.ListRoomsResponse{}
	for _, r := range rooms {
		response.Rooms = append(response.Rooms, &chatv1.Room{Name: r.Name, Head: r.Head, Members: uint32(r.Members)})
	}
	if more {
		response.NextPageToken = rooms[len(rooms)-1].Name
	}
	return response, nil
}

// SignIn implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) SignIn(ctx context.Context, request *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	token, m, expires, err := c.server.config.Guests.SignIn(request.GetName(), caller(ctx))
	if err != nil {
		return nil, err
	}
	return &chatv1.SignInResponse{Token: token, Member: toMember(m), ExpireTime: toTime(expires)}, nil
}

// inField names the part of the request that an error's field is in.
func inField(path string, err error) error {
	var field *chat.FieldError
	if !errors.As(err, &field) {
		return err
	}
	nested := *field
	nested.Field = path + "." + field.Field
	return &nested
}
