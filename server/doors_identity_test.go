package main

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
)

// One guest is one member, on however many connections and through whatever
// door, also under a renewed token.
func TestGuestIsOneMember(t *testing.T) {
	t.Parallel()
	s, ctx := serve(t), bounded(t)
	token, member := s.enter(t, "gopher")
	if member.GetId() == "" || member.GetName() != "gopher" || !member.GetGuest() {
		t.Errorf("SignIn gave %v, want a guest with an id", member)
	}
	renewal := chatv1connect.NewChatRoomClient(bearer{h2cClient(t), token}, s.URL)
	renewed, err := renewal.SignIn(ctx, &chatv1.SignInRequest{Name: " Gopher  "})
	must(t, err)
	if m := renewed.GetMember(); m.GetId() != member.GetId() || m.GetName() != "Gopher" {
		t.Errorf("SignIn with a token gave %v, want the id of %v and the new name", m, member)
	}
	for i, d := range doors {
		for _, token := range []string{token, renewed.GetToken()} {
			receive, err := d.open(t, s, token).subscribe(ctx, only(&chatv1.Subscription{Room: "lobby"}))
			must(t, err)
			joined := receive.joined(t)
			if joined.GetMember().GetId() != member.GetId() || joined.GetRooms()[0].GetMembers() != 1 {
				t.Errorf("%s: joined as %v, want as %v and the only one", d.name, joined, member)
			}
		}
		response, err := d.open(t, s, token).Send(ctx, saying("lobby", "hi"))
		must(t, err)
		if duplicate := i > 0; response.GetDuplicate() != duplicate {
			t.Errorf("%s: the send with the id of the first was answered %v, want duplicate = %v", d.name, response, duplicate)
		}
	}
	if other, m := s.enter(t, "gopher"); other == token || m.GetId() == member.GetId() {
		t.Errorf("another guest of the same name is %v too", m)
	}
}

// A request has no say in who its sender is, whatever it claims.
func TestSenderIsTheCaller(t *testing.T) {
	t.Parallel()
	s, ctx := serve(t), bounded(t)
	_, victim := s.enter(t, "victim")
	token, member := s.enter(t, "forger")
	receive, err := doors[0].open(t, s, "").subscribe(ctx, only(&chatv1.Subscription{Room: "lobby"}))
	must(t, err)
	receive.joined(t)
	var last uint64
	check := func(how string, want *chatv1.Member) {
		t.Helper()
		e := receive.events(t, last, 1)[0]
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
		must(t, err)
		request.Header.Set("Content-Type", "application/json")
		response, err := bearer{http1Client(t), caller.token}.Do(request)
		must(t, err)
		if must(t, response.Body.Close()); response.StatusCode != http.StatusOK {
			t.Fatalf("Send with fields it doesn't know: %v", response.Status)
		}
		check("Send, JSON", caller.member)
	}
	for _, d := range doors {
		v := d.open(t, s, token)
		_, err := v.Send(ctx, forgedSend(t, "Send, "+d.name, victim))
		must(t, err)
		check("Send, "+d.name, member)
		if d.bidi {
			stream, err := v.chat(ctx)
			must(t, err)
			must(t, stream.send(joinRequest(&chatv1.Subscription{Room: "elsewhere"})))
			must(t, stream.send(sendRequest(forgedSend(t, "Chat, "+d.name, victim))))
			check("Chat, "+d.name, member)
		}
	}
}

// forgedSend puts a sender into a send, under the number that it has in an event
// and under all the others that are free.
func forgedSend(t *testing.T, id string, sender *chatv1.Member) *chatv1.SendRequest {
	t.Helper()
	request := saying("lobby", id)
	member, err := proto.Marshal(sender)
	must(t, err)
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

// A token that is not valid is refused on every door, rather than taken for none.
func TestInvalidToken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	token, _ := s.enter(t, "gopher")
	elsewhere, _ := serve(t).enter(t, "gopher")
	part := strings.Split(token, ".")
	claims, err := base64.RawURLEncoding.DecodeString(part[1])
	must(t, err)
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
			for _, d := range doors {
				testRefused(t, d, d.open(t, s, token))
			}
		})
	}
}

// testRefused calls each kind of method.
func testRefused(t *testing.T, d door, v visitor) {
	t.Helper()
	ctx := bounded(t)
	_, err := v.Send(ctx, saying("lobby", "hi"))
	errs := map[string]error{"Send": err}
	receive, err := v.subscribe(ctx, only(&chatv1.Subscription{Room: "lobby"}))
	if err == nil {
		_, err = receive()
	}
	errs["Subscribe"] = err
	if d.bidi {
		stream, err := v.chat(ctx)
		if err == nil {
			// Refused before the join is read, the send may fail with EOF.
			_ = stream.send(joinRequest(&chatv1.Subscription{Room: "lobby"}))
			_, err = stream.receive()
		}
		errs["Chat"] = err
	}
	for method, err := range errs {
		if err == nil || codeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("%s by %s: %v, want code unauthenticated", method, d.name, err)
		}
	}
}

// Callers without a token share their lack of an identity, and so their ids. The
// same id with another text is another's message; with the same text it is a
// retry.
func TestAnonymous(t *testing.T) {
	t.Parallel()
	s, ctx := serve(t), bounded(t)
	receive, err := doors[0].open(t, s, "").subscribe(ctx, only(&chatv1.Subscription{Room: "lobby"}))
	must(t, err)
	anonymous := &chatv1.Member{Name: "anonymous", Guest: true}
	if joined := receive.joined(t); !proto.Equal(joined.GetMember(), anonymous) {
		t.Errorf("joined as %v, want as %v", joined.GetMember(), anonymous)
	}
	one, two := saying("lobby", "one"), saying("lobby", "two")
	two.Id = one.Id
	stored := make(map[string]uint64)
	for _, d := range doors {
		for text, request := range map[string]*chatv1.SendRequest{"one": one, "two": two} {
			response, err := d.open(t, s, "").Send(ctx, request)
			must(t, err)
			first, duplicate := stored[text]
			if response.GetDuplicate() != duplicate || duplicate && response.GetSequence() != first {
				t.Errorf("%s: answer to %q = %v, want duplicate = %v (sequence %d)", d.name, text, response, duplicate, first)
			}
			stored[text] = response.GetSequence()
		}
	}
	// Of the sends so far two are stored, so that this is the third event.
	_, err = doors[0].open(t, s, "").Send(ctx, saying("lobby", "three"))
	must(t, err)
	events := receive.events(t, 0, 3)
	for _, e := range events {
		if !proto.Equal(e.GetSender(), anonymous) {
			t.Errorf("sender of %v, want %v", e, anonymous)
		}
	}
	if got := ids(events); !slices.Equal(got, []string{"one", "one", "three"}) || events[0].GetMessage().GetText() == events[1].GetMessage().GetText() {
		t.Errorf("stored %v, want two under one id with different texts, and the third", events)
	}
}
