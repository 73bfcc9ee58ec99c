package page

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// The page offers what the user may do, and says why there is no composer. It follows a mute
// and its end without a reload.
func TestPageOffersWhatTheUserMayDo(t *testing.T) {
	t.Parallel()
	b, ctx, data := newBrowser(t), harness.Context(t), harness.InDir(t.TempDir())
	first := harness.Start(t, data)
	token, member := first.SignIn(t, "mod")
	first.Stop(t)
	s := harness.Start(t, data, harness.WithLimits(""), harness.WithPolicy(t, fmt.Sprintf(`rooms:
  - {pattern: announcements, anonymous: [read], guest: [read, react], members: {%[1]s: [post, create]}}
  - {pattern: '*', members: {%[1]s: [moderate]}}`, member.GetId())))
	mod := harness.ConnectHTTP1.Open(t, s, token)

	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.sendMessage("mine")
	ada.expectMessages("mine")
	_, err := mod.Send(ctx, harness.TextRequest("lobby", "of the moderator"))
	harness.Must(t, err)
	ada.expectMessages("mine", "of the moderator")
	offers := func(text, want string) {
		t.Helper()
		ada.run(`[...document.querySelectorAll(".message")].findLast((m) => m.querySelector(".text").textContent === %q).querySelector(".more").click()`, text)
		ada.await(fmt.Sprintf(`[...document.querySelectorAll(".menu > button")].map((b) => b.textContent).join() === %q`, want))
		ada.run(`document.querySelector(".menu").hidePopover()`)
		ada.await(`!document.querySelector(".menu")`)
	}
	offers("mine", "Reply,Copy text,Copy link,Edit,Delete…")
	offers("of the moderator", "Reply,Copy text,Copy link")
	ada.run(`[...document.querySelectorAll("button")].find((b) => b.getAttribute("aria-label")?.startsWith("About") || b.title.startsWith("About")).click()`)
	ada.await(`document.querySelector(".about .hint")?.textContent.startsWith("Only those who manage")`)
	ada.run(`document.querySelector("dialog").close()`)

	members, err := mod.ListMembers(ctx, &chatv1.ListMembersRequest{Room: "lobby"})
	harness.Must(t, err)
	who := subject(members.GetMembers()[0].GetId())
	_, err = mod.Mute(ctx, &chatv1.MuteRequest{Room: "lobby", Subject: who, Reason: "noise", Duration: durationpb.New(time.Hour)})
	harness.Must(t, err)
	ada.await(`/^You are muted in this room until .*Reason: noise$/.test(document.querySelector(".read-only")?.textContent)`)
	offers("mine", "Copy text,Copy link")
	_, err = mod.Unmute(ctx, &chatv1.UnmuteRequest{Room: "lobby", Subject: who})
	harness.Must(t, err)
	ada.await(`document.querySelector("#text") !== null`)

	_, err = mod.Send(ctx, harness.TextRequest("announcements", "news"))
	harness.Must(t, err)
	ada.navigate(s.URL + "/#announcements")
	ada.await(`document.querySelector(".read-only")?.textContent === "You can read in this room, but not write."`)
}

func subject(member string) *chatv1.Subject {
	return &chatv1.Subject{Who: &chatv1.Subject_MemberId{MemberId: member}}
}
