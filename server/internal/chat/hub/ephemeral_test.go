package hub_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

func move(player string, n int) chat.Custom {
	return chat.Custom{Type: "type.googleapis.com/game.v1.Move", Payload: []byte(fmt.Sprint(player, " ", n)), Ephemeral: true, Key: "position"}
}

// payloads returns those of custom events, in order.
func payloads(items []chat.Item) (all []string) {
	for _, item := range items {
		if e, ok := item.(*chat.Event); ok {
			if c, ok := e.Body.(chat.Custom); ok {
				all = append(all, string(c.Payload))
			}
		}
	}
	return all
}

// A feed that is behind, within the window or beyond it, and one that joins later receives
// the newest event of each sender and key, once.
func TestNewestOfEachKeyIsDelivered(t *testing.T) {
	for _, window := range []int{4, 1024} {
		h := newTestHub(t, hub.Config{Window: window}, memory.Config{})
		behind := h.feed(t, gopher, hub.Start{Room: "room"})
		h.feed(t, alice, hub.Start{Room: "room"})
		h.feed(t, bob, hub.Start{Room: "room"})
		drainAll(t, behind, 16)
		for i := range 20 {
			h.post(t, alice, "room", move("alice", i))
			h.post(t, bob, "room", move("bob", i))
			h.post(t, alice, "room", chat.Custom{Type: "t", Payload: []byte("no key"), Ephemeral: true})
		}
		late := h.feed(t, gopher, hub.Start{Room: "room"})
		for who, f := range map[string]*testFeed{"behind": behind, "late": late} {
			seen := make(map[string]int)
			for _, p := range payloads(drainAll(t, f, 3)) {
				seen[p]++
			}
			if seen["alice 19"] != 1 || seen["bob 19"] != 1 {
				t.Errorf("window %d, who is %s got %v, want the newest of each, once", window, who, seen)
			}
			delete(seen, "no key")
			if len(seen) != 2 {
				t.Errorf("window %d, who is %s got %v, want the newest alone", window, who, seen)
			}
		}
	}
}

// Keys are of a member, and end with its being there.
func TestKeysAreForgottenWithTheirMember(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.feed(t, gopher, hub.Start{Room: "room"})
	player := h.feed(t, alice, hub.Start{Room: "room"})
	h.post(t, alice, "room", move("alice", 1))
	if err := player.Leave("room"); err != nil {
		t.Fatal(err)
	}
	if got := payloads(drainAll(t, h.feed(t, bob, hub.Start{Room: "room"}), 16)); len(got) != 0 {
		t.Errorf("after the player has left, who comes gets %q, want nothing of it", got)
	}
	if _, err := h.Send(t.Context(), chat.Anonymous, chat.Post{Room: "room", ID: "1", Body: move("nobody", 1)}); !errors.Is(err, chat.ErrSignIn) {
		t.Errorf("Send of a key without an id = %v, want %v", err, chat.ErrSignIn)
	}
}

// Typing is passed on once in three seconds, and its end if it was.
func TestTypingIsThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		f := h.feed(t, gopher, hub.Start{Room: "room"})
		drainAll(t, f, 16)
		delivered := func() (n int) {
			for _, item := range drainAll(t, f, 16) {
				if _, ok := item.(*chat.Event).Body.(chat.Typing); ok {
					n++
				}
			}
			return n
		}
		for _, step := range []struct {
			after   time.Duration
			stopped bool
			want    int
		}{
			{0, true, 0}, {0, false, 1}, {time.Second, false, 0}, {2*time.Second - 1, false, 0}, {1, false, 1},
			{0, true, 1}, {0, true, 0}, {0, false, 1},
		} {
			<-time.After(step.after)
			h.post(t, alice, "room", chat.Typing{Stopped: step.stopped})
			if got := delivered(); got != step.want {
				t.Errorf("typing %+v was delivered %d times, want %d", step, got, step.want)
			}
		}
	})
}
