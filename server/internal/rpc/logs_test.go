package rpc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/store/memory"
)

// brokenStore fails in a way that nothing expects.
type brokenStore struct{ store }

var errBroken = errors.New("secret: read /var/lib/chatroom/chat.db: input/output error")

func (brokenStore) Submit(_ context.Context, _ chat.Entry, done func(chat.Appended)) {
	done(chat.Appended{Err: errBroken})
}

func (brokenStore) Head(context.Context, string) (chat.Head, error) { return chat.Head{}, errBroken }

// An error that nothing expects is in the log, and its text is not in the answer.
func TestErrorsCarryNoInternals(t *testing.T) {
	w := newWorldOn(t, Config{}, brokenStore{memory.Open(memory.Config{})})
	w.fails = true
	_, sendErr := w.client.Send(t.Context(), sendRequest("lobby", "1", "hi").GetSend())
	_, historyErr := w.client.ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "lobby"})
	subscribed, _ := w.subscribe(t, "lobby")
	streamErr := expectEnd(t, subscribed, connect.CodeInternal)
	for name, err := range map[string]error{"Send": sendErr, "ListEvents": historyErr, "Subscribe": streamErr} {
		coded, ok := errors.AsType[*connect.Error](err)
		if !ok || coded.Code() != connect.CodeInternal || coded.Message() != errInternal.Error() || len(coded.Details()) != 0 {
			t.Errorf("%s = %v, want internal without a cause", name, err)
		}
	}
	if !strings.Contains(w.log.String(), "input/output error") {
		t.Errorf("the log is %q, want the cause", w.log.String())
	}
}

// The log says who was refused, and has neither tokens nor texts.
func TestLogsHaveNoSecrets(t *testing.T) {
	inBubble(t, withLimits(t, "send.member=1/h:1"), func(t *testing.T, w *world) {
		ada := w.as(t, "Ada")
		for range 2 {
			_, _ = w.client.Send(ada, sendRequest("lobby", "1", "a private text").GetSend())
		}
		ctx, call := connect.NewClientContext(t.Context())
		call.RequestHeader().Set("Authorization", "Bearer not-a-token")
		if _, err := w.client.ListRooms(ctx, &chatv1.ListRoomsRequest{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("ListRooms with a bad token = %v, want unauthenticated", err)
		}
		log := w.log.String()
		for _, want := range []string{"a caller was refused", "a call was refused by a limit"} {
			if !strings.Contains(log, want) {
				t.Errorf("the log is %q, want %q in it", log, want)
			}
		}
		for _, secret := range []string{"a private text", "not-a-token", "Bearer"} {
			if strings.Contains(log, secret) {
				t.Errorf("the log is %q, want it without %q", log, secret)
			}
		}
	})
}

// The log says which streams and calls a ban or a sign-out has ended, of whom and why.
func TestLogsOfRefusals(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		token, id := guestToken(t, w.world, "Ada")
		stream := w.subscribeAs(t, token)
		expect(t, stream, "joined", "caughtup")
		everywhere, err := policy.ParsePattern("*")
		if err != nil {
			t.Fatal(err)
		}
		ban := policy.Denial{ID: "1", Rooms: everywhere, Member: id, Reason: "spam \u202e"}
		if err := w.api.config.Policy.Denials().Put(ban); err != nil {
			t.Fatal(err)
		}
		w.api.Denied(ban)
		_ = expectEnd(t, stream, connect.CodePermissionDenied)
		_, _ = w.with(token).Send(t.Context(), textSend("lobby", "1", "a private text"))
		w.api.config.Policy.Denials().Remove("1")
		stream = w.subscribeAs(t, token)
		expect(t, stream, "joined", "caughtup")
		if _, err := w.with(token).SignOut(t.Context(), &chatv1.SignOutRequest{}); err != nil {
			t.Fatal(err)
		}
		expectInvalid(t, "the end", expectEnd(t, stream, connect.CodeUnauthenticated), identity.Revoked)
		var ended, refused int
		for line := range strings.Lines(w.log.String()) {
			if strings.Contains(line, "a private text") || strings.Contains(line, "\u202e") {
				t.Errorf("the log has %q, want no text of a message and no character that changes the direction", line)
			}
			if strings.Contains(line, "peer=") && strings.Contains(line, "member="+id) && strings.Contains(line, "reason=") {
				ended += strings.Count(line, "a stream was ended")
				refused += strings.Count(line, "a call was refused")
			}
		}
		if ended != 2 || refused != 1 {
			t.Errorf("the log is %s, want the end of two streams and the refusal of a call", w.log.String())
		}
	})
}
