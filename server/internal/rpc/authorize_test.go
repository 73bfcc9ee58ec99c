package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/store/memory"
)

// closedTo is a policy in which anonymous callers don't read a room.
func closedTo(t *testing.T, room string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte("rooms: [{pattern: "+room+", anonymous: [post]}]"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A stream ends when one of its rooms may not be read any more, of either kind, and no
// earlier.
func TestRecheckEndsStreams(t *testing.T) {
	e := policy.New(nil)
	inBubble(t, Config{Policy: e}, func(t *testing.T, w *world) {
		subscribed, _ := w.subscribe(t, "lobby", "tea")
		talking := w.open(t, joinRequest("lobby"))
		elsewhere, _ := w.subscribe(t, "tea")
		expect(t, subscribed, "joined", "caughtup", "caughtup")
		expect(t, talking, "joined", "caughtup")
		expect(t, elsewhere, "joined", "caughtup")
		e.SetPolicy(closedTo(t, "lobby"))
		w.api.Recheck()
		for _, s := range []frames{subscribed, talking} {
			if err := expectEnd(t, s, connect.CodeUnauthenticated); len(err.Details()) != 1 {
				t.Errorf("the stream ended with %v, want details", err)
			}
		}
		w.say(t, "tea", "still here")
		expect(t, elsewhere, "event")
		if members, _, _, err := w.chat.Members(t.Context(), "lobby", "", 10); err != nil || len(members) != 0 {
			t.Errorf("Members = %v, %v, want none", members, err)
		}
	})
}

// hookedStore calls a function, once, when a head is read.
type hookedStore struct {
	store
	hook atomic.Pointer[func()]
}

func (h *hookedStore) Head(ctx context.Context, room string) (chat.Head, error) {
	if hook := h.hook.Swap(nil); hook != nil {
		(*hook)()
	}
	return h.store.Head(ctx, room)
}

// A change that comes while a stream begins, after its caller was let in, ends it, too.
func TestRecheckFindsBeginningStreams(t *testing.T) {
	for name, open := range map[string]func(*testing.T, *world) frames{
		"Subscribe": func(t *testing.T, w *world) frames {
			s, _ := w.subscribe(t, "lobby")
			return s
		},
		"Chat": func(t *testing.T, w *world) frames { return w.open(t, joinRequest("lobby")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := policy.New(nil)
				hooked := &hookedStore{store: memory.Open(memory.Config{})}
				w := newWorldOn(t, Config{Policy: e}, hooked)
				hook := func() {
					e.SetPolicy(closedTo(t, "lobby"))
					w.api.Recheck()
				}
				hooked.hook.Store(&hook)
				_ = expectEnd(t, open(t, w), connect.CodeUnauthenticated)
			})
		})
	}
}

// A room that is joined while it is closed ends the stream.
func TestRecheckFindsJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := policy.New(nil)
		hooked := &hookedStore{store: memory.Open(memory.Config{})}
		w := newWorldOn(t, Config{Policy: e}, hooked)
		s := w.open(t, joinRequest("lobby"))
		expect(t, s, "joined", "caughtup")
		hook := func() {
			e.SetPolicy(closedTo(t, "tea"))
			w.api.Recheck()
		}
		hooked.hook.Store(&hook)
		s.send(t, joinRequest("tea"))
		_ = expectEnd(t, s, connect.CodeUnauthenticated)
	})
}

// What may not be done is refused in band, and the stream continues.
func TestRefusedInBand(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		s := w.open(t, joinRequest("lobby"), &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: &chatv1.SendRequest{
			Room: "lobby", Id: "1", Body: &chatv1.SendRequest_Reaction{Reaction: &chatv1.Reaction{Target: 1, Emoji: "👍"}},
		}}}, sendRequest("lobby", "2", "hi"))
		var rejected *chatv1.Rejected
		for accepted := false; !accepted || rejected == nil; {
			frame, err := s.next()
			if err != nil {
				t.Fatalf("the stream ended with %v, want it to continue", err)
			}
			accepted = accepted || frame.GetAccepted().GetId() == "2"
			if frame.GetRejected() != nil {
				rejected = frame.GetRejected()
			}
		}
		if connect.Code(rejected.GetCode()) != connect.CodeUnauthenticated || len(rejected.GetDetails()) != 1 {
			t.Errorf("the reaction was answered %v, want unauthenticated with a detail", rejected)
		}
	})
}

// errorInfo returns the detail of an error that names its reason, nil if it has none.
func errorInfo(t *testing.T, err error) *errdetails.ErrorInfo {
	t.Helper()
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		for _, d := range coded.Details() {
			value, err := d.Value()
			if err != nil {
				t.Fatal(err)
			}
			if info, ok := value.(*errdetails.ErrorInfo); ok {
				return info
			}
		}
	}
	return nil
}

// A refusal names the right that is missing, for each right that a key may lack.
func TestErrorsNameTheRightThatIsMissing(t *testing.T) {
	inClosedShop(t, func(t *testing.T, w *shopWorld, _ *policy.Evaluator) {
		all := []string{"read", "post", "react", "edit_own", "create", "manage", "moderate"}
		_, owner := w.createKey(t, apikey.Spec{Name: "owner", Grants: []apikey.Grant{{Pattern: "*", Can: all}}})
		said, err := w.with(owner).Send(t.Context(), textSend("old", "1", "hi"))
		if err != nil {
			t.Fatal(err)
		}
		target := said.GetSequence()
		send := func(c chatv1connect.ChatRoomClient, body *chatv1.SendRequest) error {
			body.Id = "id"
			if body.Room == "" {
				body.Room = "old"
			}
			_, err := c.Send(t.Context(), body)
			return err
		}
		message := &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: "hi"}}
		for right, call := range map[string]func(c chatv1connect.ChatRoomClient) error{
			"read": func(c chatv1connect.ChatRoomClient) error {
				_, err := c.ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "old"})
				return err
			},
			"post": func(c chatv1connect.ChatRoomClient) error { return send(c, &chatv1.SendRequest{Body: message}) },
			"react": func(c chatv1connect.ChatRoomClient) error {
				return send(c, &chatv1.SendRequest{Body: &chatv1.SendRequest_Reaction{Reaction: &chatv1.Reaction{Target: target, Emoji: "👍"}}})
			},
			"edit_own": func(c chatv1connect.ChatRoomClient) error {
				return send(c, &chatv1.SendRequest{Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: target, Text: "ho"}}})
			},
			"create": func(c chatv1connect.ChatRoomClient) error {
				return send(c, &chatv1.SendRequest{Room: "new", Body: message})
			},
			"manage": func(c chatv1connect.ChatRoomClient) error {
				_, err := c.SetRoom(t.Context(), &chatv1.SetRoomRequest{Room: "old", Topic: "tea"})
				return err
			},
		} {
			var others []string
			for _, other := range all {
				// post brings edit_own along, and a creator may manage.
				if other != right && (right != "edit_own" || other != "post" && other != "moderate") {
					others = append(others, other)
				}
			}
			_, sent := w.createKey(t, apikey.Spec{Name: "without " + right, Grants: []apikey.Grant{{Pattern: "*", Can: others}}})
			err := call(w.with(sent))
			info := errorInfo(t, err)
			if connect.CodeOf(err) != connect.CodePermissionDenied || info.GetReason() != "RIGHT_REQUIRED" || info.GetMetadata()["right"] != right {
				t.Errorf("without %s: %v with %v, want permission_denied that names the right", right, err, info)
			}
		}
	})
}

// creatorsTogether is a store in which the records of creators are stored when as many callers
// store one as it says.
type creatorsTogether struct {
	*memory.Store
	callers sync.WaitGroup
}

func (s *creatorsTogether) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if strings.HasSuffix(key, "/creator") {
		s.callers.Done()
		s.callers.Wait()
	}
	return s.Store.Put(ctx, key, value, revision)
}

// Of several members who make a room at once by setting its profile, one becomes its creator.
// The others are refused, as they are a moment later.
func TestOneCallerMakesARoom(t *testing.T) {
	const callers = 4
	store := &creatorsTogether{Store: memory.Open(memory.Config{})}
	store.callers.Add(callers)
	w := newWorldOn(t, Config{}, store)
	var wg sync.WaitGroup
	errs := make([]error, callers)
	for i := range callers {
		ctx := w.as(t, fmt.Sprint("Ada ", i))
		wg.Go(func() {
			_, errs[i] = w.client.SetRoom(ctx, &chatv1.SetRoomRequest{Room: "new", Topic: fmt.Sprint(i)})
		})
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if info := errorInfo(t, err); info.GetReason() != "RIGHT_REQUIRED" || info.GetMetadata()["right"] != "manage" {
			t.Errorf("SetRoom = %v with %v, want that the right manage is required", err, info)
		}
	}
	if made != 1 {
		t.Errorf("%d of %d callers have set the profile of the new room, want 1: %v", made, callers, errs)
	}
}
