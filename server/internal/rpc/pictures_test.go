package rpc

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	chatv1 "chatroom/gen/chat/v1"
)

// A member's picture is in what lists members and in what says that they come or change, and
// not in what they send.
func TestPictures(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		const first, second = "https://shop.example/1.png", "https://shop.example/2.png"
		token := func(picture string) string {
			return shopToken(t, "ada", time.Hour, jwt.MapClaims{"name": "Ada", "picture": picture})
		}
		watcher, cancel := w.subscribe(t, "lobby")
		defer cancel()
		expect(t, watcher, "joined", "caughtup")
		event := func(what string, is func(*chatv1.Event) bool) *chatv1.Member {
			t.Helper()
			for watcher.Receive() {
				if e := watcher.Msg().GetFrame().GetEvent(); e != nil && is(e) {
					return e.GetSender()
				}
			}
			t.Fatalf("the stream ended with %v before %s", watcher.Err(), what)
			return nil
		}
		listed := func(want string) {
			t.Helper()
			list, err := w.client.ListMembers(t.Context(), &chatv1.ListMembersRequest{Room: "lobby"})
			if err != nil || len(list.GetMembers()) != 1 || list.GetMembers()[0].GetPicture() != want || list.GetMembers()[0].GetName() != "Ada" {
				t.Errorf("ListMembers = %v, %v, want one with the picture %s", list, err, want)
			}
		}
		ada := w.chatAs(t, token(first))
		joined := expect(t, ada, "joined").GetJoined()
		if got := joined.GetMember().GetPicture(); got != first || joined.GetRooms()[0].GetMember() != nil {
			t.Errorf("Joined = %v, want the picture %s in member alone", joined, first)
		}
		if m := event("MemberJoined", func(e *chatv1.Event) bool { return e.GetMemberJoined() != nil }); m.GetPicture() != first {
			t.Errorf("sender of MemberJoined = %v, want the picture %s", m, first)
		}
		listed(first)
		ada.send(t, sendRequest("lobby", "1", "hi"))
		if m := event("the message", func(e *chatv1.Event) bool { return e.GetMessage() != nil }); m.GetPicture() != "" || m.GetName() != "Ada" {
			t.Errorf("sender of a message = %v, want Ada without a picture", m)
		}
		ada.send(t, renewRequest(token(second)))
		if m := event("MemberRenamed", func(e *chatv1.Event) bool { return e.GetMemberRenamed() != nil }); m.GetPicture() != second || m.GetName() != "Ada" {
			t.Errorf("sender of MemberRenamed = %v, want Ada with the picture %s", m, second)
		}
		synctest.Wait()
		listed(second)
	})
}
