package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// withFake runs a test over each transport in a synctest bubble, with a client of a new
// fake server.
func withFake(t *testing.T, config client.Config, test func(t *testing.T, s *fakeServer, c *client.Client)) {
	t.Helper()
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			config := config
			config.Transport = transport
			onFake(t, newFakeServer(), config, test)
		})
	}
}

func onFake(t *testing.T, s *fakeServer, config client.Config, test func(t *testing.T, s *fakeServer, c *client.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.changed = make(chan struct{}) // of the bubble
		inBubble(t, func() http.Handler { return s.handler() }, config, func(t *testing.T, c *client.Client) {
			test(t, s, c)
			if err := c.Close(t.Context()); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
			synctest.Wait()
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.open != 0 {
				t.Errorf("%d streams are open after Close, want 0", s.open)
			}
		})
	})
}

// A feed of several rooms yields the events of each in its order.
func TestFeedOfRooms(t *testing.T) {
	withFake(t, client.Config{}, func(t *testing.T, s *fakeServer, c *client.Client) {
		for i := range 3 {
			for _, room := range []string{"a", "b", "c"} {
				s.say(room, fmt.Sprint(room, i))
			}
		}
		got := make(map[string][]string)
		for e, err := range c.Follow(client.Recent("a", 2), client.After("b", client.Cursor{Epoch: "E"}), client.Live("c")).Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got[e.GetRoom()] = append(got[e.GetRoom()], e.GetMessage().GetText())
			if len(got["a"])+len(got["b"]) == 5 && len(got["c"]) == 0 {
				synctest.Wait()
				s.say("c", "c3")
			}
			if len(got["c"]) == 1 {
				break
			}
		}
		for room, want := range map[string][]string{"a": {"a1", "a2"}, "b": {"b0", "b1", "b2"}, "c": {"c3"}} {
			if !slices.Equal(got[room], want) {
				t.Errorf("the events of %s are %q, want %q", room, got[room], want)
			}
		}
	})
}

// Rooms are joined and left while a loop runs, and the others have no gap.
func TestFeedJoinAndLeave(t *testing.T) {
	withFake(t, client.Config{}, func(t *testing.T, s *fakeServer, c *client.Client) {
		feed := c.Follow(client.After("a", client.Cursor{Epoch: "E"}))
		s.say("a", "0")
		var got []string
		for e, err := range feed.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.GetRoom()+e.GetMessage().GetText())
			switch len(got) {
			case 1:
				s.say("b", "0")
				s.say("a", "1")
				if err := feed.Join(client.After("b", client.Cursor{Epoch: "E"})); err != nil {
					t.Fatal(err)
				}
			case 3: // a1 and b0
				if !feed.Leave("b") || feed.Leave("b") {
					t.Error("Leave reports whether the room was in the feed")
				}
				s.say("b", "1")
				s.say("a", "2")
			case 4: // a2
				if err := feed.Join(client.After("b", client.Cursor{Epoch: "E", Sequence: 1})); err != nil {
					t.Fatal(err)
				}
			case 5: // b1
				if s.streams > 1 && t.Name() == "TestFeedJoinAndLeave/bidi" {
					t.Errorf("there were %d streams, want 1", s.streams)
				}
			}
			if len(got) == 5 {
				break
			}
		}
		slices.Sort(got[1:3])
		if want := []string{"a0", "a1", "b0", "a2", "b1"}; !slices.Equal(got, want) {
			t.Errorf("the loop yielded %q, want %q", got, want)
		}
	})
}

// What the server refuses is told, whether or not the refusal names the room, and the
// other rooms go on.
func TestFeedRefusedRoom(t *testing.T) {
	for name, tells := range map[string]bool{"named": true, "not named": false} {
		t.Run(name, func(t *testing.T) {
			withFake(t, client.Config{}, func(t *testing.T, s *fakeServer, c *client.Client) {
				s.tells = tells
				checkRefusedRooms(t, s, c)
			})
		})
	}
}

func checkRefusedRooms(t *testing.T, s *fakeServer, c *client.Client) {
	t.Helper()
	s.refused["b"], s.refused["d"] = true, true
	s.say("a", "0")
	feed := c.Follow(client.After("a", client.Cursor{Epoch: "E"}), client.Live("b"))
	var refused []string
	events := 0
	for e, err := range feed.Events(t.Context()) {
		if room, ok := errors.AsType[*client.RoomError](err); ok && connect.CodeOf(err) == connect.CodePermissionDenied {
			refused = append(refused, room.Room)
		} else if err != nil {
			t.Fatal(err)
		} else if events++; e.GetRoom() != "a" {
			t.Errorf("an event is in %q, want a", e.GetRoom())
		} else if err := feed.Join(client.Live("d")); err != nil {
			t.Fatal(err)
		}
		if len(refused) == 2 && events == 1 {
			break
		}
	}
	slices.Sort(refused)
	if want := []string{"b", "d"}; !slices.Equal(refused, want) || !slices.Equal(feed.Rooms(), []string{"a"}) {
		t.Errorf("the rooms %q were refused and %q are left, want %q and a", refused, feed.Rooms(), want)
	}
}

// A second loop over a feed continues after the first, and two loops at once are refused.
func TestFeedLoops(t *testing.T) {
	withFake(t, client.Config{}, func(t *testing.T, s *fakeServer, c *client.Client) {
		for i := range 6 {
			s.say("a", fmt.Sprint(i))
		}
		feed := c.Follow(client.After("a", client.Cursor{Epoch: "E"}))
		for i := range 6 {
			for e, err := range feed.Events(t.Context()) {
				if err != nil || e.GetMessage().GetText() != fmt.Sprint(i) {
					t.Fatalf("loop %d yielded %v, %v", i, e, err)
				}
				for _, err := range feed.Events(t.Context()) {
					if !errors.Is(err, client.ErrFollowed) {
						t.Errorf("a loop in a loop yielded %v, want %v", err, client.ErrFollowed)
					}
				}
				break
			}
		}
	})
}

// The updates of a loop tell the state of the connection and of the rooms.
func TestFeedUpdates(t *testing.T) {
	withFake(t, client.Config{}, func(t *testing.T, s *fakeServer, c *client.Client) {
		s.say("a", "0")
		s.next = func() streamFault {
			s.next = nil
			return breakStream
		}
		var got []string
		for u, err := range c.Follow(client.Recent("a", 1)).Updates(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%T", u))
			switch u := u.(type) {
			case client.Joined:
				if u.State.GetRoom() != "a" || u.Member.GetName() != "gopher" {
					t.Errorf("Joined is %v as %v, want a as gopher", u.State, u.Member)
				}
			case client.Disconnected:
				if connect.CodeOf(u.Err) != connect.CodeUnavailable || u.RetryIn > 100*time.Millisecond {
					t.Errorf("Disconnected is %+v", u)
				}
			}
			if _, done := u.(client.Event); done {
				break
			}
		}
		want := []string{"client.Connected", "client.Joined", "client.Disconnected", "client.Connected", "client.Joined", "client.Event"}
		if !slices.Equal(got, want) {
			t.Errorf("the updates were %q, want %q", got, want)
		}
	})
}

// A program that starts again continues after what it has handled, whether its loop ended
// in the middle of an event or it saw none.
func TestFeedResume(t *testing.T) {
	var cursors client.MemoryCursors
	withFake(t, client.Config{Cursors: &cursors}, func(t *testing.T, s *fakeServer, c *client.Client) {
		cursors = client.MemoryCursors{}
		s.say("a", "0")
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		for e, err := range c.Follow(client.Resume(client.Live("a"))).Events(soon) {
			if err == nil {
				t.Errorf("a live loop yielded %v", e)
			}
		}
		cancel()
		for i := 1; i < 5; i++ {
			s.say("a", fmt.Sprint(i))
		}
		var got []string
		for range 2 {
			for e, err := range c.Follow(client.Resume(client.Live("a"))).Events(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, e.GetMessage().GetText()); len(got) == 3 || e.GetMessage().GetText() == "4" {
					break
				}
			}
		}
		if want := []string{"1", "2", "3", "3", "4"}; !slices.Equal(got, want) {
			t.Errorf("the loops yielded %q, want %q", got, want)
		}
	})
}

// failingCursors is a store that can't.
type failingCursors struct{ load, save error }

func (f failingCursors) Load(context.Context, string) (client.Cursor, bool, error) {
	return client.Cursor{}, false, f.load
}
func (f failingCursors) Save(context.Context, map[string]client.Cursor) error { return f.save }

// A store that fails ends the loop: it would be of no use after a restart.
func TestFeedStoreFails(t *testing.T) {
	full := errors.New("the disk is full")
	for name, store := range map[string]failingCursors{"load": {load: full}, "save": {save: full}} {
		t.Run(name, func(t *testing.T) {
			withFake(t, client.Config{Cursors: store}, func(t *testing.T, s *fakeServer, c *client.Client) {
				for _, err := range c.Follow(client.Resume(client.Live("a"))).Events(t.Context()) {
					if !errors.Is(err, full) {
						t.Errorf("the loop yielded %v, want %v", err, full)
					}
				}
			})
		})
	}
}

// Follow refuses what no server accepts.
func TestFollowChecks(t *testing.T) {
	many := make([]client.Subscription, 101)
	for i := range many {
		many[i] = client.Live(fmt.Sprintf("room-%d", i))
	}
	withFake(t, client.Config{}, func(t *testing.T, s *fakeServer, c *client.Client) {
		for name, rooms := range map[string][]client.Subscription{
			"a name that no room can have": {client.Live("A room")},
			"a room twice":                 {client.Live("a"), client.Recent("a", 1)},
			"too many recent events":       {client.Recent("a", 1001)},
			"a cursor without an epoch":    {client.After("a", client.Cursor{Sequence: 1})},
			"too many rooms":               many,
		} {
			n := 0
			for _, err := range c.Follow(rooms...).Events(t.Context()) {
				if n++; err == nil {
					t.Errorf("Follow of %s yielded no error", name)
				}
			}
			if n != 1 {
				t.Errorf("Follow of %s yielded %d errors, want 1", name, n)
			}
		}
		if s.streams > 0 {
			t.Errorf("%d streams were opened, want 0", s.streams)
		}
	})
}

// DecodeCustom gives payloads of the type that is asked for.
func TestDecodeCustom(t *testing.T) {
	payload, err := anypb.New(wrapperspb.String("queen"))
	if err != nil {
		t.Fatal(err)
	}
	custom := client.Event{Event: &chatv1.Event{Body: &chatv1.Event_Custom{Custom: &chatv1.Custom{Payload: payload}}}}
	if m, ok := client.DecodeCustom[*wrapperspb.StringValue](custom); !ok || m.GetValue() != "queen" {
		t.Errorf("DecodeCustom = %v, %t, want queen", m, ok)
	}
	if m, ok := client.DecodeCustom[*wrapperspb.BoolValue](custom); ok {
		t.Errorf("DecodeCustom of another type = %v, want none", m)
	}
	if m, ok := client.DecodeCustom[*wrapperspb.StringValue](client.Event{}); ok {
		t.Errorf("DecodeCustom of no event = %v, want none", m)
	}
}

// What the caller may do is told when it changes.
func TestFeedRightsChanged(t *testing.T) {
	changed := &chatv1.RightsChanged{Room: "lobby", Rights: []chatv1.Right{chatv1.Right_RIGHT_READ}, Muted: &chatv1.Muted{Reason: "noise"}}
	s := &script{subscribe: func(ctx context.Context, _ int, to *stream) error {
		other := &chatv1.Frame{Kind: &chatv1.Frame_RightsChanged{RightsChanged: &chatv1.RightsChanged{Room: "other"}}}
		return errors.Join(to.frames(joined(0, time.Hour), other, &chatv1.Frame{Kind: &chatv1.Frame_RightsChanged{RightsChanged: changed}}), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		for u, err := range c.Follow(client.Live("lobby")).Updates(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := u.(client.RightsChanged); ok {
				if !proto.Equal(got.RightsChanged, changed) {
					t.Errorf("the update is %v, want %v", got, changed)
				}
				break
			}
		}
	})
}
