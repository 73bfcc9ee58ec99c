package page

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// A display name never passes for another room: the list tells the rooms apart, and the room itself, its
// title and its composer say which one it is.
func TestPageTellsRoomsApart(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	grace := member(t, s, "grace")
	for _, room := range []struct{ name, displayName string }{
		{"imitator", "#lobby"}, {"other-imitator", "lоbby"}, {"design", "🎨 Design"}, {"party", "🎉"}, {"tokyo", "東京"},
	} {
		_, err := grace.SetRoom(ctx, &chatv1.SetRoomRequest{Room: room.name, DisplayName: room.displayName})
		harness.Must(t, err)
	}
	p := b.openSignedIn(t, s.URL, "Ada")
	p.widen()
	for room, want := range map[string]string{
		"lobby": "lobby", "imitator": "lobby #imitator", "other-imitator": "lоbby #other-imitator",
		"design": "Design", "party": "party", "tokyo": "東京",
	} {
		p.await(fmt.Sprintf(`[...document.querySelectorAll("[data-room=%s] .label, [data-room=%s] .address")].map((e) => e.textContent).join(" ") === %q`, room, room, want))
	}
	for _, tt := range []struct{ room, title, heading, composer string }{
		{"lobby", "#lobby", "lobby", "#lobby"},
		{"imitator", "lobby", "lobby#imitator", "lobby"},
		{"other-imitator", "lоbby", "lоbby#other-imitator", "lоbby"},
		{"design", "🎨 Design", "🎨 Design", "🎨 Design"},
		{"party", "🎉", "🎉#party", "🎉"},
	} {
		p.navigate(s.URL + "/r/" + tt.room)
		p.await(fmt.Sprintf(`document.title === %q && document.querySelector("h1").textContent === %q && document.querySelector("#text")?.placeholder === %q`,
			tt.title+" · chatroom", tt.heading, "Message "+tt.composer))
	}
	// The name is there on a phone as well, also beside a display name that is too long for it.
	_, err := grace.SetRoom(ctx, &chatv1.SetRoomRequest{Room: "imitator", DisplayName: "lobby and many more words than fit", Topic: "The real one"})
	harness.Must(t, err)
	p.do(chromedp.EmulateViewport(320, 640))
	p.navigate(s.URL + "/r/imitator")
	p.await(`document.querySelector("h1 bdi")?.textContent.endsWith("fit") && document.querySelector("h1 .address").getBoundingClientRect().width > 40`)
	p.await(`document.documentElement.scrollWidth <= innerWidth`)
}
