package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
)

// chatRoom implements chat.v1.ChatRoom.
type chatRoom struct{ server *Server }

var _ chatv1connect.ChatRoomHandler = (*chatRoom)(nil)

// handler returns the handler of chat.v1.ChatRoom and its pattern.
func (c *chatRoom) handler(options connect.HandlerOption) (string, http.Handler) {
	constructors := map[protoreflect.Name]handlerConstructor{
		"Chat": func(procedure string, options ...connect.HandlerOption) http.Handler {
			return connect.NewBidiStreamHandler(procedure, c.Chat, options...)
		},
		"Subscribe": func(procedure string, options ...connect.HandlerOption) http.Handler {
			return connect.NewServerStreamHandlerSimple(procedure, c.Subscribe, options...)
		},
		"Send":        unary(c.Send),
		"ListEvents":  unary(c.ListEvents),
		"ListRooms":   unary(c.ListRooms),
		"ListMembers": unary(c.ListMembers),
		"SetRoom":     unary(c.SetRoom),
		"SignIn":      unary(c.SignIn),
		"SignOut":     unary(c.SignOut),

		"SendBatch":    unary(c.SendBatch),
		"RenewStream":  unary(c.RenewStream),
		"RevokeTokens": unary(c.RevokeTokens),
	}
	return serviceHandler(chatv1.File_chat_v1_chat_room_proto.Services().ByName("ChatRoom"), constructors, c.server.refuseUnknown, options)
}

var (
	errNotAJoin    = fieldError(connect.CodeInvalidArgument, "join", "join.first", "must be set in the first request on a stream")
	errNeverJoined = fieldError(connect.CodeInvalidArgument, "join", "join.first", "must be set in the first request on a stream, and none came")
)

// Chat implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) Chat(ctx context.Context, bidi *connect.BidiStream[chatv1.ChatRequest, chatv1.ChatResponse]) error {
	conn := bidi.Conn()
	s, err := c.server.newStream(ctx, frameMessage)
	if err != nil {
		return err
	}
	if err := c.open(ctx, s, conn); err != nil {
		return err
	}
	s.converse(func() error {
		return receive(conn, func(request *chatv1.ChatRequest, refusal *connect.Error) error {
			sending, observed, err := c.do(ctx, s, request, refusal)
			switch {
			case err != nil:
				observed.end(err)
				observed.answered(err)
				s.answers.add(s.ctx, answered(c.refuse(ctx, request, err)))
				s.wake(false)
				s.pause(ctx, refusalPause(err))
				return nil
			case sending != nil:
				s.answers.add(s.ctx, c.answerOf(request, sending, observed))
				observed.follow(sending, func() { s.wake(false) })
				return nil
			}
			s.wake(false)
			return nil
		})
	})
	return nil
}

// open carries out the first request of a Chat stream, which must be a join and come
// within the heartbeat interval. Its errors end the stream.
func (c *chatRoom) open(ctx context.Context, s *stream, conn connect.StreamingHandlerConn) error {
	s.answers.queue = make(chan answer, maxUnanswered)
	joined := false
	err := c.server.bounded(ctx, func() error {
		return receive(conn, func(request *chatv1.ChatRequest, refusal *connect.Error) error {
			if request.GetJoin() == nil && refusal == nil {
				return errNotAJoin
			}
			if _, _, err := c.do(ctx, s, request, refusal); err != nil {
				return err
			}
			joined = true
			return io.EOF // no error of a request
		})
	})
	switch {
	case joined:
		return s.begin(ctx, conn)
	case err == nil:
		err = errNotAJoin
	}
	s.abandon()
	return err
}

// answerOf returns the answer to a send.
func (c *chatRoom) answerOf(request *chatv1.ChatRequest, sending *hub.Sending, observed *observedSend) answer {
	return answer{
		done:  sending.Done(),
		reads: sending.Reads,
		frame: func(ctx context.Context) (*chatv1.Frame, error) {
			receipt, err := sending.Receipt(ctx)
			observed.answered(err)
			if err != nil {
				return c.refuse(ctx, request, inField("send", err))
			}
			return acceptedFrame(request.GetSend(), receipt), nil
		},
	}
}

// do carries out one request of a Chat stream. A send may still be on its way when
// it returns; a join is answered by the feed.
func (c *chatRoom) do(ctx context.Context, s *stream, request *chatv1.ChatRequest, refusal *connect.Error) (*hub.Sending, *observedSend, error) {
	if refusal != nil {
		return nil, nil, refusal
	}
	if send := request.GetSend(); send != nil {
		ctx, observed := s.observe(ctx, send)
		err := c.server.checkCredential(identified(ctx), time.Now())
		if err != nil {
			return nil, observed, err
		}
		sending, err := c.begin(ctx, s.feed.Member(), send)
		return sending, observed, inField("send", err)
	}
	return nil, nil, c.control(ctx, s, request)
}

// control carries out a request of a Chat stream that sends nothing.
func (c *chatRoom) control(ctx context.Context, s *stream, request *chatv1.ChatRequest) error {
	if renew := request.GetRenew(); renew != nil {
		if err := c.server.charge(ctx, ratelimit.SignIn, 1, ""); err != nil {
			return err
		}
		return c.renewWith(ctx, s, renew.GetToken())
	}
	if err := c.server.checkCredential(identified(ctx), time.Now()); err != nil {
		return err
	}
	switch action := request.GetAction().(type) {
	case *chatv1.ChatRequest_Join:
		return inField("join", s.joinRooms(ctx, fromSubscription(action.Join)))
	case *chatv1.ChatRequest_Leave:
		return inField("leave", s.leaveRoom(ctx, action.Leave.GetRoom()))
	case *chatv1.ChatRequest_WatchRooms:
		if action.WatchRooms.GetStop() {
			s.feed.UnwatchRooms()
			return nil
		}
		return s.watchRooms(ctx)
	}
	return nil
}

// refuse returns the frame that refuses a request, or the error that ends the
// stream.
func (c *chatRoom) refuse(ctx context.Context, request *chatv1.ChatRequest, err error) (*chatv1.Frame, error) {
	c.server.logRefusal(ctx, err)
	coded := toError(ctx, c.server.config.Log, err)
	// A deletion that is only not erased yet is no reason to end the stream.
	_, delayed := errors.AsType[*chat.ErasureDelayedError](err)
	if coded.Code() == connect.CodeUnavailable && !delayed || ctx.Err() != nil {
		return nil, coded
	}
	return rejectedFrame(request.GetSend().GetId(), roomOf(request), coded), nil
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
	s, err := c.server.newStream(ctx, frameMessage)
	if err != nil {
		return err
	}
	starts := make([]hub.Start, len(request.GetRooms()))
	for i, subscription := range request.GetRooms() {
		starts[i] = fromSubscription(subscription)
	}
	err = inField("rooms", s.joinRooms(ctx, starts...))
	if err == nil && request.GetWatchRooms() {
		err = s.watchRooms(ctx)
	}
	if err != nil {
		s.abandon()
		return err
	}
	return s.begin(ctx, out.Conn())
}

// ListEvents implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) ListEvents(ctx context.Context, request *chatv1.ListEventsRequest) (*chatv1.ListEventsResponse, error) {
	if err := c.server.authorize(ctx, rightsOf(ctx), request.GetRoom(), policy.Read); err != nil {
		return nil, err
	}
	page, err := c.server.config.Hub.History(ctx, history.Query{
		Room:   request.GetRoom(),
		After:  fromCursor(request.GetAfter()),
		Before: fromCursor(request.GetBefore()),
		Limit:  int(request.GetLimit()),
	}, request.GetWait().AsDuration())
	if err != nil {
		return nil, err
	}
	if request.GetWait() != nil { // it may have been banned meanwhile
		if err := c.server.authorize(ctx, rightsOf(ctx), request.GetRoom(), policy.Read); err != nil {
			return nil, err
		}
	}
	response := &chatv1.ListEventsResponse{Epoch: page.Epoch, More: page.More, Next: toCursor(page.Next)}
	for _, e := range page.Events {
		response.Events = append(response.Events, eventpb.FromEvent(e))
	}
	return response, nil
}

// ListRooms implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) ListRooms(ctx context.Context, request *chatv1.ListRoomsRequest) (*chatv1.ListRoomsResponse, error) {
	seen := make(map[string]chat.Cursor, len(request.GetSeen()))
	for _, at := range request.GetSeen() {
		if _, twice := seen[at.GetRoom()]; twice {
			return nil, fieldError(connect.CodeInvalidArgument, "seen", "seen.once", fmt.Sprintf("must name each room once: %q", at.GetRoom()))
		}
		seen[at.GetRoom()] = *fromCursor(at.GetCursor())
	}
	page, err := c.server.config.Hub.Directory().List(ctx, directory.Query{
		Order: fromRoomOrder(request.GetOrder()),
		After: request.GetPageToken(),
		Limit: pageSize(request.GetPageSize()),
		Seen:  seen,
		For:   caller(ctx),

		Visible: c.server.readable(ctx),
	})
	if err != nil {
		return nil, err
	}
	response := &chatv1.ListRoomsResponse{NextPageToken: page.Next}
	for caller, i := rightsOf(ctx), 0; i < len(page.Rooms); i++ {
		r := page.Rooms[i]
		creator, err := c.server.config.Hub.CreatorOf(ctx, r)
		if err != nil {
			return nil, err
		}
		response.Rooms = append(response.Rooms, toRoom(r, c.server.rightsIn(caller, r.Name, creator).rights))
	}
	return response, nil
}

// ListMembers implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) ListMembers(ctx context.Context, request *chatv1.ListMembersRequest) (*chatv1.ListMembersResponse, error) {
	if err := c.server.authorize(ctx, rightsOf(ctx), request.GetRoom(), policy.Read); err != nil {
		return nil, err
	}
	members, total, more, err := c.server.config.Hub.Members(ctx, request.GetRoom(), request.GetPageToken(), pageSize(request.GetPageSize()))
	if err != nil {
		return nil, err
	}
	response := &chatv1.ListMembersResponse{Total: uint32(total)}
	for _, m := range members {
		response.Members = append(response.Members, eventpb.FromMember(m))
	}
	if more {
		response.NextPageToken = members[len(members)-1].ID
	}
	return response, nil
}

// pageSize returns how many items a page of a list has that asks for n.
func pageSize(n uint32) int { return int(cmp.Or(n, 100)) }

// SetRoom implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) SetRoom(ctx context.Context, request *chatv1.SetRoomRequest) (*chatv1.SetRoomResponse, error) {
	if err := c.server.authorizeManaging(ctx, request.GetRoom()); err != nil {
		return nil, err
	}
	profile := chat.Profile{DisplayName: request.GetDisplayName(), Topic: request.GetTopic()}
	manages := func(ctx context.Context) error {
		return c.server.authorize(ctx, rightsOf(ctx), request.GetRoom(), policy.Manage)
	}
	if err := c.server.config.Hub.SetProfileIf(ctx, caller(ctx), request.GetRoom(), profile, manages); err != nil {
		return nil, err
	}
	return &chatv1.SetRoomResponse{}, nil
}

// SignIn implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) SignIn(ctx context.Context, request *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	if kind := identified(ctx).Kind; kind != policy.Anonymous && kind != policy.Guest {
		return nil, errNotAGuest
	}
	token, m, expires, err := c.server.config.Guests.SignIn(request.GetName(), caller(ctx))
	if err != nil {
		return nil, err
	}
	c.server.config.Hub.Rename(m)
	return &chatv1.SignInResponse{Token: token, Member: eventpb.FromMember(m), ExpireTime: eventpb.FromTime(expires)}, nil
}

// SignOut implements chatv1connect.ChatRoomHandler.
func (c *chatRoom) SignOut(ctx context.Context, _ *chatv1.SignOutRequest) (*chatv1.SignOutResponse, error) {
	if caller(ctx).ID == "" {
		return nil, chat.ErrSignIn
	}
	credential := identified(ctx)
	if credential.Issuer == identity.AccountIssuer {
		return &chatv1.SignOutResponse{}, c.server.config.Accounts.SignOut(ctx, credential)
	}
	if credential.Kind != policy.Guest {
		return nil, errNotAGuest
	}
	call, _ := connect.CallInfoForHandlerContext(ctx)
	token, _ := bearer(call.RequestHeader().Get("Authorization"))
	if err := c.server.config.Guests.SignOut(ctx, token); err != nil {
		return nil, err
	}
	return &chatv1.SignOutResponse{}, nil
}
