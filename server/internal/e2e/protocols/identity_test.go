package protocols

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// A guest is one member on all its connections, on every protocol, also with a renewed
// token.
func TestGuestIsOneMember(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t), harness.Context(t)
	token, member := s.SignIn(t, "gopher")
	if member.GetId() == "" || member.GetName() != "gopher" || !member.GetGuest() {
		t.Errorf("SignIn gave %v, want a guest with an id", member)
	}
	renewal := chatv1connect.NewChatRoomClient(harness.BearerClient{Client: harness.H2CClient(t), Token: token}, s.URL)
	renewed, err := renewal.SignIn(ctx, &chatv1.SignInRequest{Name: " Gopher  "})
	harness.Must(t, err)
	if m := renewed.GetMember(); m.GetId() != member.GetId() || m.GetName() != "Gopher" {
		t.Errorf("SignIn with a token gave %v, want the id of %v and the new name", m, member)
	}
	for i, d := range harness.Protocols {
		for _, token := range []string{token, renewed.GetToken()} {
			receive, err := d.Open(t, s, token).Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
			harness.Must(t, err)
			joined := receive.Joined(t)
			if joined.GetMember().GetId() != member.GetId() || joined.GetRooms()[0].GetMembers() != 1 {
				t.Errorf("%s: joined as %v, want as %v and the only one", d.Name, joined, member)
			}
		}
		response, err := d.Open(t, s, token).Send(ctx, harness.TextRequest("lobby", "hi"))
		harness.Must(t, err)
		if duplicate := i > 0; response.GetDuplicate() != duplicate {
			t.Errorf("%s: the send with the id of the first was answered %v, want duplicate = %v", d.Name, response, duplicate)
		}
	}
	if other, m := s.SignIn(t, "gopher"); other == token || m.GetId() == member.GetId() {
		t.Errorf("another guest of the same name is %v too", m)
	}
}

// The sender is the caller, whatever the request contains.
func TestSenderIsTheCaller(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t), harness.Context(t)
	_, victim := s.SignIn(t, "victim")
	token, member := s.SignIn(t, "forger")
	receive, err := harness.ConnectHTTP1.Open(t, s, "").Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	harness.Must(t, err)
	receive.Joined(t)
	var last uint64
	check := func(how string, want *chatv1.Member) {
		t.Helper()
		e := receive.Events(t, last, 1)[0]
		last = e.GetSequence()
		if !proto.Equal(e.GetSender(), want) {
			t.Errorf("%s: sender = %v, want %v", how, e.GetSender(), want)
		}
	}

	forged := fmt.Sprintf(`"sender":{"id":%q,"name":"victim","guest":true},"member":{"id":%[1]q},"memberId":%[1]q`, victim.GetId())
	body := fmt.Sprintf(`{"room":"lobby","id":"json",%s,"message":{"text":"hi",%[1]s}}`, forged)
	for _, caller := range []struct {
		token  string
		member *chatv1.Member
	}{{token, member}, {"", &chatv1.Member{Name: "anonymous", Guest: true}}} {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+chatv1connect.ChatRoomSendProcedure, strings.NewReader(body))
		harness.Must(t, err)
		request.Header.Set("Content-Type", "application/json")
		response, err := harness.BearerClient{Client: harness.HTTP1Client(t), Token: caller.token}.Do(request)
		harness.Must(t, err)
		if harness.Must(t, response.Body.Close()); response.StatusCode != http.StatusOK {
			t.Fatalf("Send with fields it doesn't know: %v", response.Status)
		}
		check("Send, JSON", caller.member)
	}
	for _, d := range harness.Protocols {
		v := d.Open(t, s, token)
		_, err := v.Send(ctx, forgedSend(t, "Send, "+d.Name, victim))
		harness.Must(t, err)
		check("Send, "+d.Name, member)
		if d.Bidi {
			stream, err := v.Chat(ctx)
			harness.Must(t, err)
			harness.Must(t, stream.Send(harness.JoinAction(&chatv1.Subscription{Room: "elsewhere"})))
			harness.Must(t, stream.Send(harness.SendAction(forgedSend(t, "Chat, "+d.Name, victim))))
			check("Chat, "+d.Name, member)
		}
	}
}

// forgedSend puts a sender into a send, under the number that it has in an event
// and under all the others that are free.
func forgedSend(t *testing.T, id string, sender *chatv1.Member) *chatv1.SendRequest {
	t.Helper()
	request := harness.TextRequest("lobby", id)
	member, err := proto.Marshal(sender)
	harness.Must(t, err)
	var unknown []byte
	fields := request.ProtoReflect().Descriptor().Fields()
	for number := protowire.Number(1); number < 32; number++ {
		if fields.ByNumber(number) == nil {
			unknown = protowire.AppendBytes(protowire.AppendTag(unknown, number, protowire.BytesType), member)
		}
	}
	request.ProtoReflect().SetUnknown(unknown)
	return request
}

// An invalid token is refused on every protocol, and not taken for none.
func TestInvalidTokenIsRefused(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	token, _ := s.SignIn(t, "gopher")
	elsewhere, _ := harness.Start(t).SignIn(t, "gopher")
	part := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(part[1])
	harness.Must(t, err)
	renamed := base64.RawURLEncoding.EncodeToString(bytes.ReplaceAll(claims, []byte("gopher"), []byte("golfer")))
	noKey := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	for name, token := range map[string]string{
		"garbage":        "garbage",
		"unsigned":       part[0] + "." + part[1] + ".",
		"without a key":  noKey + "." + part[1] + ".",
		"of another key": elsewhere,
		"another name":   part[0] + "." + renamed + "." + part[2],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, d := range harness.Protocols {
				checkRefused(t, d, d.Open(t, s, token))
			}
		})
	}
}

// checkRefused calls each kind of method.
func checkRefused(t *testing.T, d harness.Protocol, v harness.Client) {
	t.Helper()
	ctx := harness.Context(t)
	_, err := v.Send(ctx, harness.TextRequest("lobby", "hi"))
	errs := map[string]error{"Send": err}
	receive, err := v.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	if err == nil {
		_, err = receive()
	}
	errs["Subscribe"] = err
	if d.Bidi {
		stream, err := v.Chat(ctx)
		if err == nil {
			// Refused before the join is read, the send may fail with EOF.
			_ = stream.Send(harness.JoinAction(&chatv1.Subscription{Room: "lobby"}))
			_, err = stream.Receive()
		}
		errs["Chat"] = err
	}
	for method, err := range errs {
		if err == nil || harness.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("%s by %s: %v, want code unauthenticated", method, d.Name, err)
		}
	}
}

// Callers without a token share their lack of an identity, and so their ids. The
// same id with another text is another's message; with the same text it is a
// retry.
func TestAnonymousCallersShareIDs(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t), harness.Context(t)
	receive, err := harness.ConnectHTTP1.Open(t, s, "").Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	harness.Must(t, err)
	anonymous := &chatv1.Member{Name: "anonymous", Guest: true}
	if joined := receive.Joined(t); !proto.Equal(joined.GetMember(), anonymous) {
		t.Errorf("joined as %v, want as %v", joined.GetMember(), anonymous)
	}
	one, two := harness.TextRequest("lobby", "one"), harness.TextRequest("lobby", "two")
	two.Id = one.Id
	stored := make(map[string]uint64)
	for _, d := range harness.Protocols {
		for text, request := range map[string]*chatv1.SendRequest{"one": one, "two": two} {
			response, err := d.Open(t, s, "").Send(ctx, request)
			harness.Must(t, err)
			first, duplicate := stored[text]
			if response.GetDuplicate() != duplicate || duplicate && response.GetSequence() != first {
				t.Errorf("%s: answer to %q = %v, want duplicate = %v (sequence %d)", d.Name, text, response, duplicate, first)
			}
			stored[text] = response.GetSequence()
		}
	}
	// Of the sends so far two are stored, so that this is the third event.
	_, err = harness.ConnectHTTP1.Open(t, s, "").Send(ctx, harness.TextRequest("lobby", "three"))
	harness.Must(t, err)
	events := receive.Events(t, 0, 3)
	for _, e := range events {
		if !proto.Equal(e.GetSender(), anonymous) {
			t.Errorf("sender of %v, want %v", e, anonymous)
		}
	}
	if got := harness.EventIDs(events); !slices.Equal(got, []string{"one", "one", "three"}) || events[0].GetMessage().GetText() == events[1].GetMessage().GetText() {
		t.Errorf("stored %v, want two under one id with different texts, and the third", events)
	}
}
