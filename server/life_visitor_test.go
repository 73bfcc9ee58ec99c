package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// lifeDoors are all that Go has clients for, with JSON wherever a protocol takes it.
var lifeDoors = append(slices.Clone(doors),
	door{"gRPC JSON over HTTP/2", true, connectDoor(h2cClient, connect.WithGRPC(), connect.WithProtoJSON())},
	door{"gRPC-Web JSON over HTTP/1.1", false, connectDoor(http1Client, connect.WithGRPCWeb(), connect.WithProtoJSON())},
)

// resident is a client that calls every method, whatever its library.
type resident interface {
	visitor
	ListEvents(context.Context, *chatv1.ListEventsRequest) (*chatv1.ListEventsResponse, error)
	ListRooms(context.Context, *chatv1.ListRoomsRequest) (*chatv1.ListRoomsResponse, error)
	ListMembers(context.Context, *chatv1.ListMembersRequest) (*chatv1.ListMembersResponse, error)
	SetRoom(context.Context, *chatv1.SetRoomRequest) (*chatv1.SetRoomResponse, error)
}

func (v grpcVisitor) ListEvents(ctx context.Context, request *chatv1.ListEventsRequest) (*chatv1.ListEventsResponse, error) {
	response := new(chatv1.ListEventsResponse)
	return response, v.Invoke(v.identified(ctx), chatv1connect.ChatRoomListEventsProcedure, request, response)
}

func (v grpcVisitor) ListRooms(ctx context.Context, request *chatv1.ListRoomsRequest) (*chatv1.ListRoomsResponse, error) {
	response := new(chatv1.ListRoomsResponse)
	return response, v.Invoke(v.identified(ctx), chatv1connect.ChatRoomListRoomsProcedure, request, response)
}

func (v grpcVisitor) ListMembers(ctx context.Context, request *chatv1.ListMembersRequest) (*chatv1.ListMembersResponse, error) {
	response := new(chatv1.ListMembersResponse)
	return response, v.Invoke(v.identified(ctx), chatv1connect.ChatRoomListMembersProcedure, request, response)
}

func (v grpcVisitor) SetRoom(ctx context.Context, request *chatv1.SetRoomRequest) (*chatv1.SetRoomResponse, error) {
	response := new(chatv1.SetRoomResponse)
	return response, v.Invoke(v.identified(ctx), chatv1connect.ChatRoomSetRoomProcedure, request, response)
}

// manner is how a client takes part.
type manner int

const (
	bySend manner = iota // Subscribe, and Send
	byChat               // both on one Chat stream
)

func (m manner) String() string { return [...]string{"Send", "Chat"}[m] }

// manners are those that a door allows.
func (d door) manners() []manner {
	if d.bidi {
		return []manner{bySend, byChat}
	}
	return []manner{bySend}
}

// actor is a member in one room, who hears there what happens.
type actor struct {
	resident
	ctx    context.Context
	member *chatv1.Member // as SignIn has it; nil for one without a token
	room   string
	joined *chatv1.Joined
	heard  []*chatv1.Event // in the order of the stream

	cancel  context.CancelFunc
	receive frames
	chat    *chatStream // nil for who uses Send
}

// move signs somebody in, and lets it subscribe.
func (s *testService) move(ctx context.Context, t *testing.T, d door, m manner, name string, start *chatv1.Subscription) *actor {
	t.Helper()
	token, member := s.enter(t, name)
	a := s.moveAs(ctx, t, d, m, token, start)
	a.member = member
	return a
}

// moveAs subscribes with a token, or without one.
func (s *testService) moveAs(ctx context.Context, t *testing.T, d door, m manner, token string, start *chatv1.Subscription) *actor {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	a := &actor{resident: d.open(t, s, token).(resident), ctx: ctx, room: start.GetRoom(), cancel: cancel}
	var err error
	if m == byChat {
		a.chat, err = a.resident.chat(ctx)
		must(t, err)
		must(t, a.chat.send(joinRequest(start)))
		a.receive = a.chat.receive
	} else {
		a.receive, err = a.subscribe(ctx, only(start))
		must(t, err)
	}
	frame, err := a.receive()
	must(t, err)
	if a.joined = frame.GetJoined(); len(a.joined.GetRooms()) != 1 {
		t.Fatalf("first frame = %v, want Joined with one room", frame)
	}
	a.await(t, (*chatv1.Frame).GetCaughtUp)
	return a
}

// hangUp loses the connection: the stream is reset. A client of connect-go notices
// that its context has ended only when it is not waiting for more to send.
func (a *actor) hangUp() {
	a.cancel()
	if a.chat != nil {
		_ = a.chat.halfClose()
	}
}

// next takes one frame, and notes it if it is an event.
func (a *actor) next() (*chatv1.Frame, error) {
	frame, err := a.receive()
	if e := frame.GetEvent(); e != nil {
		a.heard = append(a.heard, e)
	}
	return frame, err
}

// await takes frames up to one that is wanted.
func (a *actor) await(t *testing.T, kind func(*chatv1.Frame) *chatv1.CaughtUp) {
	t.Helper()
	for {
		frame, err := a.next()
		if err != nil {
			t.Fatalf("receive: %v", err)
		}
		if kind(frame) != nil {
			return
		}
	}
}

// until takes frames until an event comes that is wanted. It may have come
// already, but not among the first skip events.
func (a *actor) until(t *testing.T, skip int, wanted func(*chatv1.Event) bool) *chatv1.Event {
	t.Helper()
	for i := skip; ; i++ {
		for i >= len(a.heard) {
			if _, err := a.next(); err != nil {
				t.Fatalf("receive, after %v: %v", a.heard[min(skip, len(a.heard)):], err)
			}
		}
		if wanted(a.heard[i]) {
			return a.heard[i]
		}
	}
}

// hears waits for the event with a sequence.
func (a *actor) hears(t *testing.T, sequence uint64) *chatv1.Event {
	t.Helper()
	return a.until(t, 0, func(e *chatv1.Event) bool { return e.GetSequence() == sequence })
}

// try sends a request by the actor's manner, and returns the answer as Send gives
// it, or why it was refused.
func (a *actor) try(request *chatv1.SendRequest) (*chatv1.SendResponse, *refusal) {
	if a.chat == nil {
		response, err := a.Send(a.ctx, request)
		return response, refusalOf(err)
	}
	if err := a.chat.send(sendRequest(request)); err != nil {
		return nil, refusalOf(err)
	}
	for {
		frame, err := a.next()
		if err != nil {
			return nil, refusalOf(err)
		}
		if accepted := frame.GetAccepted(); accepted.GetId() == request.GetId() && accepted != nil {
			return &chatv1.SendResponse{
				Epoch: accepted.GetEpoch(), Sequence: accepted.GetSequence(), Time: accepted.GetTime(), Duplicate: accepted.GetDuplicate(),
			}, nil
		}
		if rejected := frame.GetRejected(); rejected != nil {
			return nil, rejection(rejected)
		}
	}
}

// do is try for what must not be refused.
func (a *actor) do(t *testing.T, request *chatv1.SendRequest) *chatv1.SendResponse {
	t.Helper()
	response, refused := a.try(request)
	if refused != nil {
		t.Fatalf("%v: %v", request, refused)
	}
	return response
}

// refusal is why a request was refused, whatever the door it came by.
type refusal struct {
	code    connect.Code
	message string
	details []proto.Message
	onChat  bool // said by Rejected
}

func (r *refusal) String() string { return fmt.Sprintf("%v: %s %v", r.code, r.message, r.details) }

func (r *refusal) check(t *testing.T, want badinputWant) {
	t.Helper()
	if r == nil {
		t.Errorf("accepted, want code %v", want.code)
		return
	}
	if r.onChat && want.field != "" {
		want.field = "send." + want.field
	}
	want.checkParts(t, r.code, r.message, r.details)
}

func refusalOf(err error) *refusal {
	if err == nil {
		return nil
	}
	r := &refusal{code: connect.CodeUnknown, message: err.Error()}
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		r.code, r.message = coded.Code(), coded.Message()
		for _, d := range coded.Details() {
			if value, err := d.Value(); err == nil {
				r.details = append(r.details, value)
			}
		}
	} else if s, ok := status.FromError(err); ok {
		r.code, r.message = connect.Code(s.Code()), s.Message()
		for _, d := range s.Details() {
			if value, ok := d.(proto.Message); ok {
				r.details = append(r.details, value)
			}
		}
	}
	return r
}

func rejection(rejected *chatv1.Rejected) *refusal {
	r := &refusal{code: connect.Code(rejected.GetCode()), message: rejected.GetMessage(), onChat: true}
	for _, d := range rejected.GetDetails() {
		if value, err := d.UnmarshalNew(); err == nil {
			r.details = append(r.details, value)
		}
	}
	return r
}

// post makes a request of the member's own, under an id.
func post(room, id string, m *chatv1.Message) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Message{Message: m}}
}

func editing(room, id string, target uint64, text string) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: target, Text: text}}}
}

func deleting(room, id string, target uint64) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Deletion{Deletion: &chatv1.Deletion{Target: target}}}
}

func reacting(room, id string, target uint64, emoji string, removed bool) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Reaction{
		Reaction: &chatv1.Reaction{Target: target, Emoji: emoji, Removed: removed},
	}}
}

func typing(room, id string, stopped bool) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Typing{Typing: &chatv1.Typing{Stopped: stopped}}}
}
