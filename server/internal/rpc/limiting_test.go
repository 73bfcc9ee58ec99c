package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	hellopb "chatroom/gen/hello"
	"chatroom/gen/hello/helloconnect"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/store/memory"
)

// withLimits returns a Config with no limits but those of the settings.
func withLimits(t *testing.T, settings string) Config {
	t.Helper()
	var limits ratelimit.Limits
	c := Config{}
	if err := limits.Set(&c.Counts, settings); err != nil {
		t.Fatal(err)
	}
	c.Rates = ratelimit.New(ratelimit.Config{Limits: limits})
	return c
}

// expectLimit checks that an error is that of a limit, and returns when to try again.
func expectLimit(t *testing.T, err error, limit string) time.Duration {
	t.Helper()
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok || coded.Code() != connect.CodeResourceExhausted {
		t.Fatalf("the error is %v, want resource_exhausted by %s", err, limit)
	}
	expectViolation(t, coded, "", ratelimit.RuleName(limit))
	for _, detail := range coded.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.RetryInfo); ok {
				return info.GetRetryDelay().AsDuration()
			}
		}
	}
	t.Fatalf("%v has no RetryInfo", err)
	return 0
}

// as returns a context for calls with a new guest's token.
func (w *world) as(t *testing.T, name string) context.Context {
	t.Helper()
	signedIn, err := w.client.SignIn(t.Context(), &chatv1.SignInRequest{Name: name})
	if err != nil {
		t.Fatalf("SignIn = %v, want nil", err)
	}
	ctx, call := connect.NewClientContext(t.Context())
	call.RequestHeader().Set("Authorization", "Bearer "+signedIn.GetToken())
	return ctx
}

// Each method has its limits: it is refused when they are reached, and passes after the
// wait that the refusal names.
func TestUnaryLimits(t *testing.T) {
	send := func(w *world, ctx context.Context, r *chatv1.SendRequest) error {
		w.sent++
		r.Id = fmt.Sprint("unary-", w.sent)
		if r.Room == "" {
			r.Room = "lobby"
		}
		_, err := w.client.Send(ctx, r)
		return err
	}
	message := &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: "hi"}}
	for _, tt := range []struct {
		limit string
		call  func(context.Context, *world) error
	}{
		{"send.member", func(ctx context.Context, w *world) error { return send(w, ctx, &chatv1.SendRequest{Body: message}) }},
		{"send.room", func(ctx context.Context, w *world) error { return send(w, ctx, &chatv1.SendRequest{Body: message}) }},
		{"delete.member", func(ctx context.Context, w *world) error {
			return send(w, ctx, &chatv1.SendRequest{Body: &chatv1.SendRequest_Deletion{Deletion: &chatv1.Deletion{Target: 999}}})
		}},
		{"react.member", func(ctx context.Context, w *world) error {
			return send(w, ctx, &chatv1.SendRequest{Body: &chatv1.SendRequest_Reaction{Reaction: &chatv1.Reaction{Target: 999, Emoji: "👍"}}})
		}},
		{"typing.member", func(ctx context.Context, w *world) error {
			return send(w, ctx, &chatv1.SendRequest{Body: &chatv1.SendRequest_Typing{Typing: &chatv1.Typing{}}})
		}},
		{"sign_in.member", func(ctx context.Context, w *world) error {
			_, err := w.client.SignIn(ctx, &chatv1.SignInRequest{Name: "gopher"})
			return err
		}},
		{"sign_in.member", func(ctx context.Context, w *world) error {
			_, err := w.client.RenewStream(ctx, &chatv1.RenewStreamRequest{StreamId: "unknown"})
			return err
		}},
		{"create_room.member", func(ctx context.Context, w *world) error {
			return send(w, ctx, &chatv1.SendRequest{Room: fmt.Sprint("room-", w.sent), Body: message})
		}},
		{"set_room.member", func(ctx context.Context, w *world) error {
			_, err := w.client.SetRoom(ctx, &chatv1.SetRoomRequest{Room: "lobby", Topic: "tea"})
			return err
		}},
		{"history.member", func(ctx context.Context, w *world) error {
			_, err := w.client.ListEvents(ctx, &chatv1.ListEventsRequest{Room: "lobby"})
			return err
		}},
		{"list.member", func(ctx context.Context, w *world) error {
			_, err := w.client.ListRooms(ctx, &chatv1.ListRoomsRequest{})
			return err
		}},
		{"list.member", func(ctx context.Context, w *world) error {
			_, err := w.client.ListMembers(ctx, &chatv1.ListMembersRequest{Room: "lobby"})
			return err
		}},
		{"moderate.member", func(ctx context.Context, w *world) error {
			_, err := w.client.RevokeTokens(ctx, revokeMember("unknown"))
			return err
		}},
	} {
		inBubble(t, withLimits(t, tt.limit+"=1/s:2"), func(t *testing.T, w *world) {
			ada := w.as(t, "Ada")
			refused := func(err error) bool { return connect.CodeOf(err) == connect.CodeResourceExhausted }
			for range 2 {
				if err := tt.call(ada, w); refused(err) {
					t.Fatalf("%s within the burst = %v, want it to pass", tt.limit, err)
				}
			}
			after := expectLimit(t, tt.call(ada, w), tt.limit)
			if after <= 0 || after > time.Second {
				t.Errorf("%s is to be tried again after %s, want up to a second", tt.limit, after)
			}
			bob := w.as(t, "Bob")
			if err := tt.call(bob, w); refused(err) != strings.HasSuffix(tt.limit, ".room") {
				t.Errorf("%s of another member = %v, want it refused only by the limit of a room", tt.limit, err)
			}
			<-time.After(after)
			if err := tt.call(ada, w); refused(err) {
				t.Errorf("%s after the wait = %v, want it to pass", tt.limit, err)
			}
			if log := w.log.String(); !strings.Contains(log, "limit "+tt.limit) || !strings.Contains(log, "peer=") {
				t.Errorf("the log is %q, want the refusal with its peer and limit", log)
			}
		})
	}
}

// Each method counts for a limit. Those that are not listed here say for which one in limitOf.
func TestEveryMethodHasALimit(t *testing.T) {
	elsewhere := map[protoreflect.FullName]string{
		"chat.v1.ChatRoom.Chat":      "limitJoin, limitSend and leaveRoom charge each request",
		"chat.v1.ChatRoom.Subscribe": "limitJoin charges each room",
		"chat.v1.ChatRoom.Send":      "limitSend",
		"chat.v1.ChatRoom.SendBatch": "limitSend charges each send",
		"chat.v1.ChatRoom.SetRoom":   "limit charges the room and its creation",
	}
	for _, file := range []protoreflect.FileDescriptor{chatv1.File_chat_v1_chat_room_proto, chatv1.File_chat_v1_moderation_proto} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				method := methods.Get(j)
				if _, found := elsewhere[method.FullName()]; found {
					delete(elsewhere, method.FullName())
					continue
				}
				request, err := protoregistry.GlobalTypes.FindMessageByName(method.Input().FullName())
				if err != nil {
					t.Fatal(err)
				}
				if _, _, found := limitOf(request.New().Interface()); !found || method.IsStreamingClient() || method.IsStreamingServer() {
					t.Errorf("%s counts for no limit: add its request to limitOf", method.FullName())
				}
			}
		}
	}
	for name := range elsewhere {
		t.Errorf("%s is no method", name)
	}
}

// A request on Chat that comes too often is refused in band. The stream continues.
func TestChatLimits(t *testing.T) {
	inBubble(t, withLimits(t, "send.member=1/s:1,join.member=1/s:2,list.member=1/m:1"), func(t *testing.T, w *world) {
		s := w.openIn(t, w.as(t, "Ada"), joinRequest("lobby"), sendRequest("lobby", "1", "one"), sendRequest("lobby", "2", "two"))
		expect(t, s, "joined")
		rejected := ""
		for range 4 { // caughtup, event, accepted, rejected: the answers are in order, but not with events
			frame, err := s.next()
			if err != nil {
				t.Fatalf("a refused send ends the stream: %v", err)
			}
			if r := frame.GetRejected(); r != nil {
				rejected = r.GetId()
				expectRejected(t, frame, "send.member")
			}
		}
		if rejected != "2" {
			t.Errorf("the send %q is rejected, want the second one", rejected)
		}
		s.send(t, leaveRequest("lobby"))
		s.send(t, leaveRequest("lobby"))
		expectRejected(t, expect(t, s, "rejected"), "join.member")
		watch := &chatv1.ChatRequest{Action: &chatv1.ChatRequest_WatchRooms{WatchRooms: &chatv1.WatchRooms{}}}
		s.send(t, watch)
		s.send(t, watch)
		expect(t, s)
		for {
			frame, err := s.next()
			if err != nil {
				t.Fatalf("a refused request ends the stream: %v", err)
			}
			if frame.GetRejected() != nil {
				expectRejected(t, frame, "list.member")
				break
			}
		}
	})
}

func expectRejected(t *testing.T, f *chatv1.Frame, limit string) {
	t.Helper()
	r := f.GetRejected()
	if connect.Code(r.GetCode()) != connect.CodeResourceExhausted || !strings.Contains(r.GetMessage(), limit) || len(r.GetDetails()) != 2 {
		t.Errorf("the request is rejected by %v, want resource_exhausted by %s with two details", r, limit)
	}
}

// A client that keeps sending what is refused is read ten times a second.
func TestChatFloodIsSlowedDown(t *testing.T) {
	inBubble(t, withLimits(t, "send.member=1/h:1"), func(t *testing.T, w *world) {
		s := w.openIn(t, w.as(t, "Ada"), joinRequest("lobby"))
		expect(t, s, "joined")
		begin := time.Now()
		for i := range 21 {
			s.send(t, sendRequest("lobby", fmt.Sprint(i), "flood"))
		}
		for n := 0; n < 20; {
			frame, err := s.next()
			if err != nil {
				t.Fatalf("the stream of a flood ends: %v", err)
			}
			if frame.GetRejected() != nil {
				n++
			}
		}
		if took := time.Since(begin); took < 19*maxRefusalPause {
			t.Errorf("20 refusals took %s, want at least %s", took, 19*maxRefusalPause)
		}
	})
}

// Clients of 2019 know no refusal: their messages wait.
func TestHelloIsThrottled(t *testing.T) {
	inBubble(t, withLimits(t, "send.room=1/s:1"), func(t *testing.T, w *world) {
		stream, err := helloconnect.NewChatRoomClient(w.http, testOrigin).Chat(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for i := range 4 {
			if err := stream.Send(&hellopb.ChatRequest{Message: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 4 {
			response, err := stream.Receive()
			if err != nil || response.GetMessage() != fmt.Sprint(i) {
				t.Fatalf("message %d is %v, %v", i, response, err)
			}
		}
		if took := time.Since(begin); took < 3*time.Second || took > 4*time.Second {
			t.Errorf("4 messages at 1/s took %s, want 3s", took)
		}
		if err := errors.Join(stream.CloseRequest(), stream.CloseResponse()); err != nil {
			t.Error(err)
		}
	})
}

// The address of a limit is that which a trusted proxy names, and of IPv6 its /64.
func TestLimitsByAddress(t *testing.T) {
	c := withLimits(t, "list.address=1/h:1")
	var err error
	if c.Proxies, err = clientaddr.Parse("10.0.0.0/8"); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, c)
	for _, tt := range []struct {
		remote, forwarded string
		refused           bool
	}{
		{"192.0.2.1:1", "", false},
		{"192.0.2.1:2", "198.51.100.7", true}, // not of a proxy
		{"10.0.0.1:1", "198.51.100.7", false},
		{"10.0.0.2:1", "203.0.113.9, 198.51.100.7", true},
		{"10.0.0.2:1", "203.0.113.9", false},
		{"[2001:db8::1]:1", "", false},
		{"[2001:db8::2]:1", "", true},
		{"[2001:db8:0:1::2]:1", "", false},
	} {
		r := httptest.NewRequest(http.MethodPost, "/"+chatv1connect.ChatRoomName+"/ListRooms", strings.NewReader("{}"))
		r.Header.Set("Content-Type", "application/json")
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, r)
		if got := recorder.Code == http.StatusTooManyRequests; got != tt.refused || !got && recorder.Code != http.StatusOK {
			t.Errorf("ListRooms from %s for %q = %d %s, want refused = %t", tt.remote, tt.forwarded, recorder.Code, recorder.Body, tt.refused)
		}
	}
}

// What is refused by the contract's rules takes no token, and leaves no bucket.
func TestInvalidCallsAreNotCharged(t *testing.T) {
	inBubble(t, withLimits(t, "send.room=1/h:1"), func(t *testing.T, w *world) {
		for range 3 {
			_, err := w.client.Send(t.Context(), sendRequest(strings.Repeat("x", 2000), "1", "hi").GetSend())
			if connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("Send to a name that is too long = %v, want invalid_argument", err)
			}
		}
	})
}

// BenchmarkLimitSend is what the limits add to a Send.
func BenchmarkLimitSend(b *testing.B) {
	var limits ratelimit.Limits
	counts := ratelimit.Counts{}
	if err := limits.Set(&counts, "send.member=1000000/s:1000000,send.address=1000000/s:1000000,send.room=1000000/s:1000000,create_room.member=1/s:1,rooms.total=9"); err != nil {
		b.Fatal(err)
	}
	store := memory.Open(memory.Config{})
	rooms := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}, Rooms: []string{"lobby"}})
	w := New(Config{Hub: rooms, Guests: identity.NewGuests(), Rates: ratelimit.New(ratelimit.Config{Limits: limits}), Counts: counts})
	b.Cleanup(func() {
		w.Stop(context.WithoutCancel(b.Context()))
		rooms.Close()
		_ = store.Close()
	})
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	ctx := context.WithValue(b.Context(), responseKey{}, &response{request: r, address: clientaddr.Proxies{}.Of(r)})
	token, _, _, err := w.config.Guests.SignIn("gopher", chat.Anonymous)
	if err != nil {
		b.Fatal(err)
	}
	ctx, err = w.identify(ctx, connect.Spec{}, connect.Peer{}, http.Header{"Authorization": {"Bearer " + token}})
	if err != nil {
		b.Fatal(err)
	}
	request := sendRequest("lobby", "1", "hi").GetSend()
	b.ReportAllocs()
	for b.Loop() {
		if err := w.limitSend(ctx, request); err != nil {
			if _, ok := errors.AsType[*ratelimit.Refusal](err); !ok {
				b.Fatal(err)
			}
		}
	}
}
