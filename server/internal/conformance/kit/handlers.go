package kit

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "chatroom/gen/chat/v1"
)

func (s *server) Subscribe(ctx context.Context, request *chatv1.SubscribeRequest, to *connect.ServerStream[chatv1.SubscribeResponse]) error {
	st, err := s.begin(ctx, request.GetRooms())
	if err != nil {
		return err
	}
	return s.pump(ctx, st, func(f *chatv1.Frame) error { return to.Send(&chatv1.SubscribeResponse{Frame: f}) })
}

func (s *server) Chat(ctx context.Context, stream *connect.BidiStream[chatv1.ChatRequest, chatv1.ChatResponse]) error {
	first, err := stream.Receive()
	if err != nil {
		return err
	}
	join := first.GetJoin()
	if join == nil {
		return refusal(connect.CodeInvalidArgument, "the first request must be a join")
	}
	st, err := s.begin(ctx, []*chatv1.Subscription{join})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // ends when the handler has returned
		for {
			request, err := stream.Receive()
			if err != nil {
				if !errors.Is(err, io.EOF) { // a client that half-closes continues to receive
					cancel(err)
				}
				return
			}
			s.request(ctx, st, request)
		}
	}()
	return s.pump(ctx, st, func(f *chatv1.Frame) error { return stream.Send(&chatv1.ChatResponse{Frame: f}) })
}

// request carries out a request on Chat.
func (s *server) request(ctx context.Context, st *stream, request *chatv1.ChatRequest) {
	switch action := request.GetAction().(type) {
	case *chatv1.ChatRequest_Join:
		s.do(func() {
			st.starts = append(st.starts, action.Join)
			s.join(st, []*chatv1.Subscription{action.Join})
		})
	case *chatv1.ChatRequest_Leave:
		s.do(func() { delete(st.rooms, action.Leave.GetRoom()) })
	case *chatv1.ChatRequest_Send:
		stored, err := s.send(ctx, st.token, true, action.Send)
		if err != nil {
			s.push(st, rejected(action.Send, err))
			return
		}
		s.push(st, &chatv1.Frame{Kind: &chatv1.Frame_Accepted{Accepted: &chatv1.Accepted{
			Id: action.Send.GetId(), Room: action.Send.GetRoom(), Sequence: stored.GetSequence(),
			Duplicate: stored.GetDuplicate(), Epoch: stored.GetEpoch(), Time: stored.GetTime(),
		}}})
	case *chatv1.ChatRequest_Renew:
		if err := s.renew(st, action.Renew.GetToken()); err != nil {
			s.push(st, rejected(nil, err))
		}
	}
}

// rejected returns the frame that refuses a request on Chat.
func rejected(request *chatv1.SendRequest, err error) *chatv1.Frame {
	r := &chatv1.Rejected{Id: request.GetId(), Room: request.GetRoom(), Code: int32(connect.CodeOf(err)), Message: err.Error()}
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		r.Message = coded.Message()
		for _, d := range coded.Details() {
			r.Details = append(r.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type(), Value: d.Bytes()})
		}
	}
	return &chatv1.Frame{Kind: &chatv1.Frame_Rejected{Rejected: r}}
}

// attempt is a call of Send, or a send on Chat.
type attempt struct {
	number  int
	token   string
	chat    bool
	request *chatv1.SendRequest
	conn    *conn
	begun   time.Time

	ended time.Time // zero while it is not answered
	event *chatv1.Event
	err   error
}

func (a *attempt) text() string { return a.request.GetMessage().GetText() }

func (s *server) Send(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	token, err := s.identify(ctx)
	if err != nil {
		return nil, err
	}
	return s.send(ctx, token, false, request)
}

func (s *server) send(ctx context.Context, token string, chat bool, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	a := &attempt{token: memberOf(token), chat: chat, request: request, conn: connOf(ctx), begun: time.Now()}
	var onSend, onStored func(context.Context, *attempt) error
	s.do(func() {
		a.number = len(s.attempts)
		s.attempts = append(s.attempts, a)
		onSend, onStored = s.onSend, s.onStored
	})
	var duplicate bool
	err := func() error {
		if onSend != nil {
			if err := onSend(ctx, a); err != nil {
				return err
			}
		}
		var err error
		if duplicate, err = s.store(a); err != nil {
			return err
		}
		if onStored != nil {
			return onStored(ctx, a)
		}
		return nil
	}()
	s.do(func() { a.ended, a.err = time.Now(), err })
	if err != nil {
		return nil, err
	}
	return &chatv1.SendResponse{
		Epoch: s.epochOf(request.GetRoom()), Sequence: a.event.GetSequence(), Time: a.event.GetTime(), Duplicate: duplicate,
	}, nil
}

func (s *server) epochOf(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room(name).epoch()
}

// store stores the event of a send, if its id is new.
func (s *server) store(a *attempt) (duplicate bool, err error) {
	s.do(func() {
		key := a.token + "\n" + a.request.GetId()
		if first, ok := s.stored[key]; ok {
			if !proto.Equal(first.request, a.request) {
				err = refusal(connect.CodeAlreadyExists, "id: was used for an event with another body",
					detail(&errdetails.ErrorInfo{Reason: "ID_REUSED", Domain: "chat.v1"}))
				return
			}
			a.event, duplicate = first.event, true
			return
		}
		e := &chatv1.Event{Id: a.request.GetId(), Sender: &chatv1.Member{Id: a.token, Name: "Client", Guest: true}}
		switch body := a.request.GetBody().(type) {
		case *chatv1.SendRequest_Message:
			e.Body = &chatv1.Event_Message{Message: body.Message}
			a.event = s.publish(a.request.GetRoom(), e, false)
		default: // not of interest to any scenario
			a.event = &chatv1.Event{Time: timestamppb.New(s.now())}
		}
		s.stored[key] = a
	})
	return duplicate, err
}

func (s *server) RenewStream(ctx context.Context, request *chatv1.RenewStreamRequest) (*chatv1.RenewStreamResponse, error) {
	token, err := s.identify(ctx)
	if err != nil {
		return nil, err
	}
	var st *stream
	s.do(func() {
		i := slices.IndexFunc(s.streams, func(st *stream) bool { return st.open() && st.id == request.GetStreamId() })
		if i >= 0 {
			st = s.streams[i]
		}
	})
	if st == nil {
		return nil, refusal(connect.CodeNotFound, "there is no such stream: open a new one")
	}
	return &chatv1.RenewStreamResponse{}, s.renew(st, token)
}

// renew continues a stream with a token.
func (s *server) renew(st *stream, token string) error {
	var ok bool
	s.do(func() {
		ok = s.allowed == nil || s.allowed(token)
		s.renewals = append(s.renewals, renewal{token, time.Now(), ok})
		if ok {
			st.token = token
			st.queue = append(st.queue, &chatv1.Frame{Kind: &chatv1.Frame_Renewed{Renewed: &chatv1.Renewed{
				TokenExpireTime: timestamppb.New(s.now().Add(time.Hour)),
			}}})
		}
	})
	if !ok {
		return tokenInvalid("expired")
	}
	return nil
}

func (s *server) ListEvents(ctx context.Context, request *chatv1.ListEventsRequest) (*chatv1.ListEventsResponse, error) {
	if _, err := s.identify(ctx); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room(request.GetRoom()).page(request), nil
}

func (s *server) ListRooms(ctx context.Context, _ *chatv1.ListRoomsRequest) (*chatv1.ListRoomsResponse, error) {
	if _, err := s.identify(ctx); err != nil {
		return nil, err
	}
	response := &chatv1.ListRoomsResponse{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		response.Rooms = append(response.Rooms, &chatv1.Room{Name: r.name, Head: r.head, Members: 1, Messages: uint64(len(r.entries))})
	}
	slices.SortFunc(response.GetRooms(), func(a, b *chatv1.Room) int { return strings.Compare(a.GetName(), b.GetName()) })
	return response, nil
}

func (s *server) ListMembers(ctx context.Context, _ *chatv1.ListMembersRequest) (*chatv1.ListMembersResponse, error) {
	if _, err := s.identify(ctx); err != nil {
		return nil, err
	}
	return &chatv1.ListMembersResponse{Total: 1}, nil
}

func (s *server) SignIn(_ context.Context, request *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	return &chatv1.SignInResponse{
		Token: "guest", Member: &chatv1.Member{Id: memberOf("guest"), Name: request.GetName(), Guest: true},
		ExpireTime: timestamppb.New(s.now().Add(time.Hour)),
	}, nil
}

func detail(m proto.Message) *connect.ErrorDetail {
	d, err := connect.NewErrorDetail(m)
	if err != nil {
		panic(err) // a generated message can always be encoded
	}
	return d
}

func retryInfo(after time.Duration) *connect.ErrorDetail {
	return detail(&errdetails.RetryInfo{RetryDelay: durationpb.New(after)})
}

func tokenInvalid(cause string) error {
	return refusal(connect.CodeUnauthenticated, "the token is not valid: "+cause, detail(&errdetails.ErrorInfo{
		Reason: "TOKEN_INVALID", Domain: "chat.v1", Metadata: map[string]string{"cause": cause},
	}))
}
