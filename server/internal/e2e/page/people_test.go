package page

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// openProfile opens the profile of a member in the list.
func (p *tab) openProfile(name string) {
	p.t.Helper()
	p.run(`[...document.querySelectorAll(".people .person button")].find((b) => b.querySelector(".name").textContent === %q).click()`, name)
	p.await(`document.querySelector(".profile-card:popover-open") !== null`)
}

// Members in the room have different colours and letters, whatever their ids, and a profile
// that mentions them.
func TestPageTellsMembersApart(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	for i := range 9 {
		name := fmt.Sprintf("Guest %c", 'A'+i)
		s.Join(ctx, t, harness.ConnectHTTP2, harness.ViaSend, name, &chatv1.Subscription{Room: "lobby"})
	}
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.widen()
	ada.await(`document.querySelectorAll(".people .person").length === 10`)
	ada.await(`new Set([...document.querySelectorAll(".people .avatar")].map((a) => a.dataset.hue)).size === 10`)
	ada.await(`new Set([...document.querySelectorAll(".people .avatar")].map((a) => a.textContent)).size === 10`)
	ada.do(chromedp.SendKeys(chromedp.CSS(".people-search input"), "guest c"))
	ada.await(`[...document.querySelectorAll(".people .person .name")].map((n) => n.textContent).join() === "Guest C"`)
	ada.openProfile("Guest C")
	ada.await(`document.querySelector(".profile-name").textContent === "Guest C"`)
	ada.run(`[...document.querySelectorAll(".profile-card button")].find((b) => b.textContent === "Mention").click()`)
	ada.await(`!document.querySelector(".profile-card") && document.querySelector("#text").value === "@Guest C " && document.activeElement.id === "text"`)
}

// A moderator mutes, removes and bans from a member's profile, deletes with a reason, and sees
// and ends all that. Others are offered none of it.
func TestPageModerates(t *testing.T) {
	t.Parallel()
	b, ctx, data := newBrowser(t), harness.Context(t), harness.InDir(t.TempDir())
	first := harness.Start(t, data)
	token, member := first.SignIn(t, "mod")
	first.Stop(t)
	s := harness.Start(t, data, harness.WithLimits(""), harness.WithPolicy(t, fmt.Sprintf(`rooms:
  - {pattern: '*', members: {%s: [moderate]}}`, member.GetId())))
	mod := b.openBlank(t, "the moderator")
	mod.navigate(s.URL)
	mod.run(`localStorage.setItem("chatroom.identity", JSON.stringify({token: %q, member: {id: %q, name: "mod"}, expires: Date.now() + 864e5}))`, token, member.GetId())
	mod.reload()
	mod.widen()
	mod.await(ownName + ` === "mod"`)
	bob := b.openSignedIn(t, s.URL, "Bob")
	bob.widen()
	bob.sendMessage("spam")
	mod.expectMessages("spam")

	bob.sendMessage("@room: buy")
	mod.expectMessages("spam", "@room: buy")
	mod.sendMessage("@room: stop that")
	bob.await(`document.querySelectorAll("[role=log] .message").length === 3`)
	bob.await(`[...document.querySelectorAll("[role=log] .message[data-mentions-self]")].map((m) => m.querySelector(".text").textContent).join() === "@room: stop that"`)
	mod.await(`!document.querySelector("[role=log] [data-mentions-self], [role=log] [data-ours=false] .mention")`)
	bob.await(people + `.includes("mod")`)
	bob.await(`[...document.querySelectorAll(".people .person")].map((p) => p.querySelector(".moderator") !== null).join() === "false,true"`)
	bob.openProfile("mod")
	bob.await(`document.querySelector(".profile-card .moderator").textContent === "Moderator"`)
	bob.await(`!document.querySelector(".profile-card [data-act]")`)
	bob.run(`document.querySelector(".profile-card").hidePopover()`)
	deny := func(act, reason string) {
		t.Helper()
		mod.await(people + `.includes("Bob")`)
		mod.openProfile("Bob")
		mod.run(`document.querySelector(".profile-card [data-act=%s]").click()`, act)
		mod.do(chromedp.SendKeys(chromedp.CSS("#deny-reason"), reason))
		mod.run(`document.querySelector(".deny-member [type=submit]").click()`)
		mod.await(`!document.querySelector(".deny-member")`)
	}
	deny("mute", "too loud")
	bob.await(`/Reason: too loud$/.test(document.querySelector(".read-only")?.textContent)`)

	mod.choose("spam", "Delete…")
	mod.do(chromedp.SendKeys(chromedp.CSS("#delete-reason"), "advertising"))
	mod.run(`document.querySelector("dialog .danger").click()`)
	mod.await(`document.querySelectorAll("[role=log] .message").length === 2`)

	mod.click(".to-moderation")
	mod.await(`[...document.querySelectorAll(".moderation li")].map((l) => l.querySelector("p").textContent).join() === "Bob is muted,mod deleted a message,mod muted Bob"`)
	mod.await(`document.querySelector(".moderation").textContent.includes("advertising")`)
	mod.run(`[...document.querySelectorAll(".moderation button")].find((b) => b.textContent === "Unmute").click()`)
	mod.await(`document.querySelector(".moderation").textContent.includes("mod unmuted Bob")`)
	mod.run(`document.querySelector("dialog").close()`)
	mod.await(`!document.querySelector("dialog")`)
	bob.await(`document.querySelector("#text") !== null`)

	deny("ban", "enough")
	bob.await(`!document.querySelector("#text") && document.body.textContent.includes("enough")`)
	mod.await(`[...document.querySelectorAll(".people .name")].map((n) => n.textContent).join() === "mod"`)
	denials, err := harness.ConnectHTTP1.Open(t, s, token).ListDenials(ctx, &chatv1.ListDenialsRequest{Room: "lobby"})
	harness.Must(t, err)
	if n := len(denials.GetDenials()); n != 1 || denials.GetDenials()[0].GetReason() != "enough" {
		t.Errorf("the lobby has %v, want one ban", denials.GetDenials())
	}

	// An address is banned in the dialog of moderators, which shows it afterwards.
	mod.click(".to-moderation")
	mod.click(".to-ban-address")
	mod.do(chromedp.SendKeys(chromedp.CSS("#deny-address"), "127.0.0.1"))
	mod.run(`document.querySelector(".deny-member [type=submit]").focus()`)
	mod.press("\r")
	mod.await(`/own address/.test(document.querySelector(".deny-member .problem").textContent)`)
	mod.expectFocus(".deny-member [type=submit]")
	mod.run(`document.querySelector("#deny-address").select()`)
	mod.do(chromedp.SendKeys(chromedp.CSS("#deny-address"), " 192.0.2.7/24 "))
	mod.click(".deny-member [type=submit]")
	mod.await(`document.querySelector(".moderation")?.textContent.includes("192.0.2.0/24 is banned")`)
	denials, err = harness.ConnectHTTP1.Open(t, s, token).ListDenials(ctx, &chatv1.ListDenialsRequest{Room: "lobby"})
	harness.Must(t, err)
	if n := len(denials.GetDenials()); n != 2 || !denials.GetDenials()[1].GetUntil().IsValid() {
		t.Errorf("the lobby has %v, want a ban of an address that ends", denials.GetDenials())
	}
}

// On a phone the lists are in drawers, outside of which nothing can be used: the menu of a room
// and the profile of a member are a part of them.
func TestPageActsInDrawers(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	bob, ada := b.openSignedIn(t, s.URL, "Bob"), b.openSignedIn(t, s.URL, "Ada")
	bob.sendMessage("hello")
	ada.expectMessages("hello")
	ada.do(chromedp.EmulateViewport(360, 740))
	ada.click(".to-rooms")
	ada.await(`document.querySelector("dialog [data-room=lobby]") !== null`)
	ada.run(`document.querySelector(".room-more").focus()`)
	ada.click(".room-more")
	ada.await(`document.querySelector("[role=menu]:popover-open") !== null`)
	ada.click("[role=menu] [role=menuitemradio]:nth-of-type(3)")
	ada.await(`document.querySelector("dialog [data-room=lobby] [data-mark=muted]") !== null`)
	ada.run(`document.querySelector("dialog").close()`)
	ada.await(`!document.querySelector("dialog")`)

	ada.click(".to-people")
	ada.await(`document.querySelectorAll("dialog .person").length === 2`)
	ada.click("dialog .person:nth-of-type(2) button")
	ada.await(`document.querySelector(".profile-card:popover-open .profile-name")?.textContent === "Bob"`)
	ada.click(".profile-card button")
	ada.await(`!document.querySelector("dialog") && document.querySelector("#text").value === "@Bob " && document.activeElement.id === "text"`)
}
