package rpc

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/store/memory"
)

var (
	reads     = []chatv1.Right{chatv1.Right_RIGHT_READ}
	posts     = []chatv1.Right{chatv1.Right_RIGHT_READ, chatv1.Right_RIGHT_POST}
	talks     = append(slices.Clone(posts), chatv1.Right_RIGHT_REACT, chatv1.Right_RIGHT_EDIT_OWN)
	manages   = append(slices.Clone(talks), chatv1.Right_RIGHT_MANAGE)
	moderates = append(slices.Clone(talks), chatv1.Right_RIGHT_MODERATE)
)

// expectRights compares what a client is told of its rights in a room.
func expectRights(t *testing.T, what string, told interface {
	GetRoom() string
	GetRights() []chatv1.Right
	GetMuted() *chatv1.Muted
}, room string, want []chatv1.Right, mute string) {
	t.Helper()
	if told.GetRoom() != room || !slices.Equal(told.GetRights(), want) || told.GetMuted().GetReason() != mute || (told.GetMuted() != nil) != (mute != "") {
		t.Errorf("%s: %v, want the rights %v in %s, and the mute %q", what, told, want, room, mute)
	}
}

func guestToken(t *testing.T, w *world, name string) (token, id string) {
	t.Helper()
	response, err := w.client.SignIn(t.Context(), &chatv1.SignInRequest{Name: name})
	if err != nil {
		t.Fatalf("SignIn = %v, want nil", err)
	}
	return response.GetToken(), response.GetMember().GetId()
}

// A client learns the rights in each room that it joins. The first one in a room manages it.
func TestRightsInJoinedRooms(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		ada, _ := guestToken(t, w.world, "Ada")
		chat := w.chatAs(t, ada)
		stream := withoutHeartbeats{chat}
		expectRights(t, "lobby", expect(t, stream, "joined").GetJoined().GetRooms()[0], "lobby", talks, "")
		expect(t, stream, "caughtup")
		chat.send(t, joinRequest("own"))
		expectRights(t, "a new room", expect(t, stream, "joined").GetJoined().GetRooms()[0], "own", manages, "")
		ben, _ := guestToken(t, w.world, "Ben")
		later := w.chatAs(t, ben)
		expect(t, later, "joined", "caughtup")
		later.send(t, joinRequest("own"))
		joined := expect(t, later, "joined").GetJoined()
		expectRights(t, "the room of another member", joined.GetRooms()[0], "own", talks, "")
		staff := w.subscribeAs(t, shopToken(t, "staff", time.Hour, granted("*", "moderate")))
		expectRights(t, "a grant", expect(t, staff, "joined").GetJoined().GetRooms()[0], "lobby", moderates, "")
		anonymous, cancel := w.subscribe(t, "lobby")
		defer cancel()
		expectRights(t, "no token", expect(t, anonymous, "joined").GetJoined().GetRooms()[0], "lobby", posts, "")

		rooms, err := w.with(ada).ListRooms(t.Context(), &chatv1.ListRoomsRequest{})
		if err != nil || len(rooms.GetRooms()) != 2 {
			t.Fatalf("ListRooms = %v, %v, want two rooms", rooms, err)
		}
		for i, want := range [][]chatv1.Right{talks, manages} {
			if got := rooms.GetRooms()[i].GetRights(); !slices.Equal(got, want) {
				t.Errorf("rights in the listed room %v = %v, want %v", rooms.GetRooms()[i], got, want)
			}
		}
	})
}

// A stream tells that rights have changed: by a mute, its end, and another policy. It says
// nothing if they are the same, and nothing of rooms that were left.
func TestRightsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := policy.New(nil)
		w := newShopWith(t, Config{Policy: e}, memory.Open(memory.Config{}))
		token, id := guestToken(t, w.world, "Ada")
		chat := w.chatAs(t, token)
		stream := withoutHeartbeats{chat}
		expect(t, stream, "joined", "caughtup")
		chat.send(t, joinRequest("tea"))
		expect(t, stream, "joined", "caughtup")
		deny := func(d policy.Denial) {
			t.Helper()
			d.Member = id
			if err := e.Denials().Put(d); err != nil {
				t.Fatal(err)
			}
			w.api.Denied(d)
		}
		changed := func(what string, want []chatv1.Right, room, mute string) *chatv1.RightsChanged {
			t.Helper()
			c := expect(t, stream, "rightschanged").GetRightsChanged()
			expectRights(t, what, c, room, want, mute)
			return c
		}
		lobby, err := policy.ParsePattern("lobby")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		deny(policy.Denial{ID: "1", Effect: policy.Mute, Rooms: lobby, Reason: "shouting", Until: start.Add(time.Minute)})
		if until := changed("a mute", reads, "lobby", "shouting").GetMuted().GetUntil().AsTime(); !until.Equal(start.Add(time.Minute)) {
			t.Errorf("Muted.until = %v, want a minute later", until)
		}
		w.api.Recheck() // nothing has changed
		changed("the end of the mute", talks, "lobby", "")
		expectWithin(t, "the end of the mute", start, time.Minute, w.api.tick)

		mute := policy.Denial{ID: "1", Effect: policy.Mute, Rooms: lobby, Reason: "shouting again", Member: id}
		deny(mute)
		changed("a mute without an end", reads, "lobby", "shouting again")
		e.Denials().Remove("1")
		w.api.Denied(mute)
		changed("a lifted mute", talks, "lobby", "")

		p, err := policy.Parse("policy.yaml", []byte(`rooms: [{pattern: tea, guest: [read], creator: []}]`))
		if err != nil {
			t.Fatal(err)
		}
		e.SetPolicy(p)
		w.api.Recheck()
		changed("another policy", reads, "tea", "")

		chat.send(t, leaveRequest("tea"))
		synctest.Wait()
		e.SetPolicy(nil)
		w.api.Recheck()
		deny(mute)
		changed("a mute after a room was left", reads, "lobby", "shouting again")
		chat.send(t, joinRequest("tea"))
		expectRights(t, "joined again", expect(t, stream, "joined").GetJoined().GetRooms()[0], "tea", manages, "")
	})
}

// What the streams of another member and of the contract of 2019 are told does not change.
func TestRightsOfOthersDoNotChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := policy.New(nil)
		w := newShopWith(t, Config{Policy: e}, memory.Open(memory.Config{}))
		token, _ := guestToken(t, w.world, "Ada")
		stream := withoutHeartbeats{w.chatAs(t, token)}
		expect(t, stream, "joined", "caughtup")
		all, err := policy.ParsePattern("*")
		if err != nil {
			t.Fatal(err)
		}
		d := policy.Denial{ID: "1", Effect: policy.Mute, Rooms: all, Member: "other"}
		if err := e.Denials().Put(d); err != nil {
			t.Fatal(err)
		}
		w.api.Denied(d)
		w.api.Recheck()
		synctest.Wait()
		w.say(t, "lobby", "hi")
		expect(t, stream, "event")
	})
}
