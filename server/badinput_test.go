package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// badinputPatience bounds every wait of these tests.
const badinputPatience = 20 * time.Second

// badinputRoomName is the room that all bad input is about. It is the one of the
// 2019 contract, so that its clients' bad input is too.
const badinputRoomName = "lobby"

// badinputCase is a request that is refused, wherever it can be said.
type badinputCase struct {
	name   string
	method string // the procedure
	body   badinputBody
	want   badinputWant
	fatal  bool // a stream may end with it
}

// badinputWant is what a refusal says.
type badinputWant struct {
	code  connect.Code
	field string // the path in a detail of type buf.validate.Violations
	info  string // or the reason in one of type google.rpc.ErrorInfo
	bound string // part of the message, if it is the same for all
}

// Every bad request is answered by a code, a detail and the bound, on every
// protocol, and nobody else notices.
func TestBadInput(t *testing.T) {
	b := newBadinput(t)
	for _, c := range slices.Concat(
		badinputSends(), badinputHistory(b.room.epoch), badinputLists(), badinputSignIns(), badinputSubscribes(),
	) {
		b.run(t, c, b.doors, func(t *testing.T, d badinputDoor, request badinputRaw) {
			c.want.check(t, badinputCall(t, b.s, d, c.method, request))
		})
	}
}

// On Chat, once a room is joined, the same is said by Rejected, and the stream
// goes on.
func TestBadInputOnChat(t *testing.T) {
	b := newBadinput(t)
	cases := badinputActions()
	for _, c := range badinputSends() {
		c.body = c.body.asSend()
		if c.want.field != "" {
			c.want.field = "send." + c.want.field
		}
		cases = append(cases, c)
	}
	for _, c := range cases {
		b.run(t, c, b.bidi(), func(t *testing.T, d badinputDoor, request badinputRaw) {
			chat := openBadinputChat(t, b.s, d)
			chat.join(t, badinputRoomName)
			chat.send(t, request)
			if f, err := chat.reply(); err == nil {
				c.want.checkRejected(t, f)
				chat.says(t, b.room)
			} else if !c.fatal {
				t.Errorf("the stream ended with %v, want it to go on", err)
			} else {
				c.want.check(t, err)
			}
		})
	}
}

// badinput is a server, the ways to call it, and somebody who listens.
type badinput struct {
	s     *testService
	doors []badinputDoor
	room  *badinputRoom
}

func newBadinput(t *testing.T, options ...option) *badinput {
	t.Parallel()
	s := serve(t, options...)
	return &badinput{s: s, doors: badinputDoors(t), room: newBadinputRoom(t, s)}
}

// bidi returns the doors through which both sides can talk at once.
func (b *badinput) bidi() []badinputDoor {
	return slices.DeleteFunc(slices.Clone(b.doors), func(d badinputDoor) bool { return !d.bidi })
}

// run tries a bad request on each door where it can be said, between two
// messages that are in order.
func (b *badinput) run(t *testing.T, c badinputCase, doors []badinputDoor, try func(*testing.T, badinputDoor, badinputRaw)) {
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
func (b *badinput) undisturbed(t *testing.T, try func()) {
	t.Helper()
	b.room.says(t)
	try()
	b.room.says(t)
	b.room.hears(t)
}

// badinputCall makes one call and returns the error that it is answered with.
func badinputCall(t *testing.T, s *testService, d badinputDoor, procedure string, request badinputRaw, options ...connect.ClientOption) error {
	ctx, cancel := context.WithTimeout(t.Context(), badinputPatience)
	defer cancel()
	var err error
	switch procedure {
	case chatv1connect.ChatRoomSubscribeProcedure:
		client := badinputClient[chatv1.SubscribeResponse](s, d, procedure, options...)
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
		_, err = badinputClient[chatv1.SendResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	case chatv1connect.ChatRoomListEventsProcedure:
		_, err = badinputClient[chatv1.ListEventsResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	case chatv1connect.ChatRoomListRoomsProcedure:
		_, err = badinputClient[chatv1.ListRoomsResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	case chatv1connect.ChatRoomSignInProcedure:
		_, err = badinputClient[chatv1.SignInResponse](s, d, procedure, options...).CallUnary(ctx, connect.NewRequest(&request))
	default:
		t.Fatalf("no way to call %s", procedure)
	}
	return err
}

func (w badinputWant) check(t *testing.T, err error) {
	t.Helper()
	refusal := new(connect.Error)
	if !errors.As(err, &refusal) || !connect.IsWireError(err) {
		t.Errorf("error = %v, want one from the server with code %v", err, w.code)
		return
	}
	var details []proto.Message
	for _, d := range refusal.Details() {
		detail, err := d.Value()
		if err != nil {
			t.Errorf("detail %s: %v", d.Type(), err)
			continue
		}
		details = append(details, detail)
	}
	w.checkParts(t, refusal.Code(), refusal.Message(), details)
}

func (w badinputWant) checkRejected(t *testing.T, f *chatv1.Frame) {
	t.Helper()
	rejected := f.GetRejected()
	if rejected == nil {
		t.Errorf("the answer is %v, want Rejected", f)
		return
	}
	var details []proto.Message
	for _, d := range rejected.GetDetails() {
		detail, err := d.UnmarshalNew()
		if err != nil {
			t.Errorf("detail %s: %v", d.GetTypeUrl(), err)
			continue
		}
		details = append(details, detail)
	}
	w.checkParts(t, connect.Code(rejected.GetCode()), rejected.GetMessage(), details)
}

func (w badinputWant) checkParts(t *testing.T, code connect.Code, message string, details []proto.Message) {
	t.Helper()
	if code != w.code {
		t.Errorf("code = %v (%s), want %v", code, message, w.code)
	}
	if message == "" || !strings.Contains(message, w.bound) {
		t.Errorf("message = %q, want one that names the bound %q", message, w.bound)
	}
	var named []string
	for _, d := range details {
		switch d := d.(type) {
		case *validate.Violations:
			for _, v := range d.GetViolations() {
				if v.GetRuleId() == "" || v.GetMessage() == "" {
					t.Errorf("violation %v has no rule or no message", v)
				}
				named = append(named, "field "+protovalidate.FieldPathString(v.GetField()))
			}
		case *errdetails.ErrorInfo:
			named = append(named, "info "+d.GetReason())
		}
	}
	want := "field " + w.field
	if w.info != "" {
		want = "info " + w.info
	}
	if !slices.Contains(named, want) {
		t.Errorf("details name %q, want %q among them (%s)", named, want, message)
	}
}

// badinputRoom is a room with somebody who only listens.
type badinputRoom struct {
	client chatv1connect.ChatRoomClient
	stream *connect.ServerStreamForClient[chatv1.SubscribeResponse]
	cancel context.CancelFunc
	epoch  string
	said   []string // and not yet heard
	count  int
	last   uint64
}

func newBadinputRoom(t *testing.T, s *testService) *badinputRoom {
	ctx, cancel := context.WithCancel(t.Context())
	r := &badinputRoom{client: chatv1connect.NewChatRoomClient(h2cClient(t), s.URL), cancel: cancel}
	defer r.limit()()
	var err error
	r.stream, err = r.client.Subscribe(ctx, &chatv1.SubscribeRequest{
		Rooms: []*chatv1.Subscription{{Room: badinputRoomName}},
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
func (r *badinputRoom) limit() (lift func()) {
	timer := time.AfterFunc(badinputPatience, r.cancel)
	return func() { timer.Stop() }
}

// next returns a text that was not said before, and will be heard.
func (r *badinputRoom) next() string {
	r.count++
	text := fmt.Sprintf("good %d", r.count)
	r.said = append(r.said, text)
	return text
}

// says says something that is in order.
func (r *badinputRoom) says(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), badinputPatience)
	defer cancel()
	text := r.next()
	if _, err := r.client.Send(ctx, badinputMessage(text, text)); err != nil {
		t.Fatalf("Send of something good: %v", err)
	}
}

// hears checks that the listener got what was said since, and nothing else.
func (r *badinputRoom) hears(t *testing.T) {
	t.Helper()
	defer r.limit()()
	for len(r.said) > 0 {
		if !r.stream.Receive() {
			t.Fatalf("the listener's stream ended: %v", r.stream.Err())
		}
		frame := r.stream.Msg().GetFrame()
		switch e := frame.GetEvent(); {
		case isEphemeral(frame):
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

func badinputMessage(id, text string) *chatv1.SendRequest {
	return &chatv1.SendRequest{
		Room: badinputRoomName,
		Id:   id,
		Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}},
	}
}
