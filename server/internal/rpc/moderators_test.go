package rpc

import (
	"testing"
	"testing/synctest"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/store/memory"
)

// memberEvent returns the next event of a stream that is about a member.
func memberEvent(t *testing.T, c chatting) *chatv1.Event {
	t.Helper()
	for {
		response, err := c.Receive()
		if err != nil {
			t.Fatalf("the stream ended with %v before an event about a member", err)
		}
		if e := response.GetFrame().GetEvent(); e.GetMemberJoined() != nil || e.GetMemberRenamed() != nil {
			return e
		}
	}
}

// Others learn who moderates a room: from the list of members, from who comes, and from what
// is sent and stored. A request can't claim it.
func TestModeratorsAreShown(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		guest, guestID := guestToken(t, w.world, "Ada")
		chat := w.chatAs(t, guest)
		stream := withoutHeartbeats{chat}
		if expect(t, stream, "joined").GetJoined().GetRooms()[0].GetMember().GetModerator() {
			t.Error("Joined shows a guest as a moderator")
		}
		expect(t, stream, "caughtup")

		token := shopToken(t, "staff", time.Hour, granted("lobby", "moderate"))
		staff := w.chatAs(t, token)
		self := expect(t, staff, "joined").GetJoined().GetRooms()[0].GetMember()
		if !self.GetModerator() {
			t.Errorf("Joined shows the moderator as %v", self)
		}
		came := memberEvent(t, chat)
		if came.GetMemberJoined() == nil || !came.GetSender().GetModerator() {
			t.Errorf("who comes is shown as %v, want a moderator", came)
		}
		list, err := w.with(guest).ListMembers(t.Context(), &chatv1.ListMembersRequest{Room: "lobby"})
		if err != nil || len(list.GetMembers()) != 2 {
			t.Fatalf("ListMembers = %v, %v, want two members", list, err)
		}
		for _, m := range list.GetMembers() {
			if want := m.GetId() != guestID; m.GetModerator() != want {
				t.Errorf("ListMembers shows %v, want moderator: %t", m, want)
			}
		}

		for _, send := range []struct {
			token, id string
			moderator bool
		}{{token, "of-staff", true}, {guest, "of-guest", false}} {
			request := &chatv1.SendRequest{Room: "lobby", Id: send.id, Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: "@room: tea"}}}
			if _, err := w.with(send.token).Send(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			if e := expect(t, stream, "event").GetEvent(); e.GetSender().GetModerator() != send.moderator {
				t.Errorf("sender of %s = %v, want moderator: %t", send.id, e.GetSender(), send.moderator)
			}
		}
		page, err := w.with(guest).ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "lobby"})
		if err != nil || len(page.GetEvents()) != 2 {
			t.Fatalf("ListEvents = %v, %v, want two messages", page, err)
		}
		for i, want := range []bool{true, false} {
			if sender := page.GetEvents()[i].GetSender(); sender.GetModerator() != want {
				t.Errorf("stored sender %d = %v, want moderator: %t", i, sender, want)
			}
		}
		// The rights count at the time of the edit: a former moderator can't add "@room" to an old message.
		former := shopToken(t, "staff", time.Hour, nil)
		target := page.GetEvents()[0].GetSequence()
		for _, edit := range []struct {
			token, id string
			moderator bool
		}{{former, "of-former", false}, {token, "again", true}, {former, "of-former again", false}} {
			request := &chatv1.SendRequest{Room: "lobby", Id: edit.id, Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: target, Text: "@room: " + edit.id}}}
			if _, err := w.with(edit.token).Send(t.Context(), request); err != nil {
				t.Fatal(err)
			}
			if e := expect(t, stream, "event").GetEvent(); e.GetSender().GetModerator() != edit.moderator {
				t.Errorf("sender of the edit %s = %v, want moderator: %t", edit.id, e.GetSender(), edit.moderator)
			}
			page, err := w.with(guest).ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "lobby"})
			if err != nil || page.GetEvents()[0].GetMessage().GetText() != "@room: "+edit.id || page.GetEvents()[0].GetSender().GetModerator() != edit.moderator {
				t.Errorf("after the edit %s, ListEvents = %v, %v, want the text of the sender as a moderator: %t", edit.id, page, err, edit.moderator)
			}
		}
		// Rights in one room are none in another.
		request := &chatv1.SendRequest{Room: "tea", Id: "1", Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: "@room"}}}
		if _, err := w.with(token).Send(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		page, err = w.with(guest).ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "tea"})
		if err != nil || page.GetEvents()[0].GetSender().GetModerator() {
			t.Errorf("ListEvents of another room = %v, %v, want no moderator", page, err)
		}
	})
}

// A member who becomes a moderator while it is present is announced, and one that is no
// longer one. A new name changes nothing about it.
func TestModeratorsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := policy.New(nil)
		w := newShopWith(t, Config{Policy: e}, memory.Open(memory.Config{}))
		bo, _ := guestToken(t, w.world, "Bo")
		stream := w.chatAs(t, bo)
		expect(t, stream, "joined", "caughtup")
		ada, id := guestToken(t, w.world, "Ada")
		expect(t, w.chatAs(t, ada), "joined")
		memberEvent(t, stream) // she comes
		announced := func(name string, moderator bool) {
			t.Helper()
			got := memberEvent(t, stream)
			if got.GetMemberRenamed() == nil || got.GetSender().GetName() != name || got.GetSender().GetModerator() != moderator {
				t.Errorf("announced: %v, want MemberRenamed of %s, moderator: %t", got, name, moderator)
			}
		}
		p, err := policy.Parse("policy.yaml", []byte(`rooms: [{pattern: lobby, members: {"`+id+`": [moderate]}}]`))
		if err != nil {
			t.Fatal(err)
		}
		e.SetPolicy(p)
		w.api.Recheck()
		announced("Ada", true)
		w.api.Recheck() // nothing has changed
		if _, err := w.with(ada).SignIn(t.Context(), &chatv1.SignInRequest{Name: "Lady Ada"}); err != nil {
			t.Fatal(err)
		}
		announced("Lady Ada", true)
		e.SetPolicy(nil)
		w.api.Recheck()
		announced("Lady Ada", false)
	})
}

// Who makes a room by joining it moderates it at once, if the policy says so.
func TestCreatorsModerate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, err := policy.Parse("policy.yaml", []byte(`rooms: [{pattern: "*", creator: [moderate]}]`))
		if err != nil {
			t.Fatal(err)
		}
		w := newShopWith(t, Config{Policy: policy.New(p)}, memory.Open(memory.Config{}))
		ada, _ := guestToken(t, w.world, "Ada")
		chat := w.chatAs(t, ada)
		stream := withoutHeartbeats{chat}
		expect(t, stream, "joined", "caughtup")
		chat.send(t, joinRequest("own"))
		if self := expect(t, stream, "joined").GetJoined().GetRooms()[0].GetMember(); !self.GetModerator() {
			t.Errorf("Joined shows the creator as %v, want a moderator", self)
		}
		list, err := w.with(ada).ListMembers(t.Context(), &chatv1.ListMembersRequest{Room: "own"})
		if err != nil || len(list.GetMembers()) != 1 || !list.GetMembers()[0].GetModerator() {
			t.Errorf("ListMembers = %v, %v, want the creator as a moderator", list, err)
		}
	})
}
