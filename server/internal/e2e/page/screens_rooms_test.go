package page

import (
	"time"

	"github.com/chromedp/chromedp"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// openRooms shows the list of rooms, which a phone has in a drawer.
func (v *viewer) openRooms() {
	v.t.Helper()
	if evaluate[bool](v.tab, `document.querySelector(".to-rooms") !== null`) {
		v.click(".to-rooms")
		v.await(`document.querySelector("dialog .room-link") !== null`)
		v.settle()
	}
}

// openPeople shows the list of people, which a phone has in a drawer.
func (v *viewer) openPeople() {
	v.t.Helper()
	if evaluate[bool](v.tab, `document.querySelector(".people") === null`) {
		v.click(".to-people")
	}
	v.await(`document.querySelector(".person") !== null`)
	v.settle()
}

// openDialog clicks something, and waits for the dialog that it opens.
func (v *viewer) openDialog(selector, content string) {
	v.t.Helper()
	v.click(selector)
	v.await("document.querySelector(`dialog " + content + "`) !== null")
	v.settle()
}

// The list of rooms, what is done with a room, and what is in the place of one.
func roomScreens(v *viewer) {
	v.openBusyRoom()
	if v.device.touch {
		v.openRooms()
		v.shoot("rooms")
	}
	v.run(`document.querySelector(".room-item:has([data-room=team]) .room-more").click()`)
	v.await(`document.querySelector("[role=menu]:popover-open") !== null`)
	v.settle()
	v.shoot("room-menu")
	v.closePopover()

	v.openDialog(".find-room", ".switcher")
	v.do(chromedp.SendKeys(chromedp.CSS(".switcher input"), "de"))
	v.await(`document.querySelectorAll(".switcher [role=option]").length < 6`)
	v.shoot("switcher")
	v.visit("team")
	v.openRooms()
	v.openDialog(".create-room", "#new-room")
	v.do(chromedp.SendKeys(chromedp.CSS("#new-room"), "Summer party"))
	v.await(`document.querySelector("#new-room-help .slug") !== null`)
	v.shoot("create-room")
	v.visit("team")
	v.click(".bar-end .menu-button, .bar-end > :last-child")
	v.await(`document.querySelector("[role=menu]:popover-open") !== null`)
	v.settle()
	v.shoot("menu")
	v.closePopover()
	v.openDialog(".title", ".about")
	v.shoot("about-room")
	v.closeDialog()

	v.run(`document.querySelector("#text").focus(); document.execCommand("insertText", false, "a draft")`)
	v.visit("design")
	v.openRooms()
	v.run(`document.querySelector(".room-item:has([data-room=team]) .room-more").click()`)
	v.await(`document.querySelector("[role=menu]:popover-open") !== null`)
	v.run(`[...document.querySelectorAll("[role=menu] .danger")][0].click()`)
	v.await(`document.querySelector("dialog .danger") !== null`)
	v.settle()
	v.shoot("leave-room")

	v.visit("quiet")
	v.shoot("empty-room")
	v.visit("announcements")
	v.shoot("read-only")
	v.navigate(v.town.URL + "/r/board")
	v.await(`document.documentElement.dataset.connection === "refused"`)
	v.settle()
	v.shoot("refused-room")
	v.navigate(v.town.URL + "/?room=no+room")
	v.await(`document.querySelector(".note") !== null`)
	v.shoot("invalid-room")
}

// Who one is, who others are, and the settings.
func personScreens(v *viewer) {
	v.open(v.town.URL, false)
	v.navigate(v.town.URL + "/r/team")
	v.await(isLive + ` && document.querySelector(".welcome") !== null`)
	v.settle()
	v.shoot("first-visit")
	v.do(chromedp.SendKeys(chromedp.CSS("#name"), "Grace Hopper\r"))
	v.await(`document.querySelector("#text") !== null`)
	v.navigate(v.town.URL + "/r/quiet")
	v.await(isLive + ` && document.querySelector("#text") !== null`)

	v.town.join(v.t, "team", "Grace Hopper", "Linus", "Katherine", "Margaret", "佐藤 花子", "田中 太郎", "ليلى", "عمر", "Mallory")
	v.openRoom("team")
	v.openPeople()
	v.await(`document.querySelectorAll(".person").length === 10`)
	if v.device.touch {
		v.shoot("people")
	}
	v.run(`document.querySelectorAll(".person button")[0].click()`)
	v.await(`document.querySelector(".profile-card:popover-open") !== null`)
	v.settle()
	v.shoot("own-card")
	v.closePopover()

	v.visit("team")
	v.openRooms()
	v.openDialog("#who", ".profile")
	v.shoot("own-profile")
	v.click(".sign-out")
	v.await(`document.querySelector(".confirm-sign-out") !== null`)
	v.shoot("sign-out")
	v.visit("team")
	v.openRooms()
	v.openDialog(".to-settings", ".settings")
	v.shoot("settings")
	v.run(`document.querySelector("input[name=density][value=compact]").click()`)
	v.await(`document.documentElement.dataset.density === "compact"`)
	v.visit("team")
	v.shoot("compact")
}

// What a moderator does about members and messages.
func moderatorScreens(v *viewer) {
	v.town.join(v.t, "team", "Grace Hopper", "Mallory")
	v.town.say(v.t, "Mallory", "team", "Buy cheap watches at https://example.com/watches !!!")
	v.openRoom("team")
	openCard := func() {
		v.t.Helper()
		v.openPeople()
		v.await(`document.querySelectorAll(".person").length === 3`)
		v.run(`document.querySelectorAll(".person button")[2].click()`)
		v.await(`document.querySelector(".profile-card:popover-open [data-act=ban]") !== null`)
		v.settle()
	}
	openCard()
	v.shoot("moderator-card")
	for _, act := range []string{"mute", "kick", "ban"} {
		v.click(".profile-card [data-act=" + act + "]")
		v.await(`document.querySelector(".deny-member") !== null`)
		v.settle()
		if act == "kick" {
			v.do(chromedp.SendKeys(chromedp.CSS("#deny-reason"), "Advertising"))
		}
		v.shoot(act)
		v.run(`document.querySelector(".deny-member .quiet").click()`)
		v.await(`document.querySelector(".deny-member") === null`)
		openCard()
	}
	v.closePopover()
	v.visit("team")
	v.chooseInMenu("Buy cheap", "Delete…")
	v.await(`document.querySelector("#delete-reason") !== null`)
	v.shoot("delete-as-moderator")
	v.closeDialog()

	members, err := v.town.clients[ada].ListMembers(harness.Context(v.t), &chatv1.ListMembersRequest{Room: "team"})
	harness.Must(v.t, err)
	for _, m := range members.GetMembers() {
		if m.GetName() == "Mallory" {
			_, err = v.town.clients[ada].Mute(harness.Context(v.t), &chatv1.MuteRequest{Room: "team", Subject: subject(m.GetId()), Reason: "Advertising", Duration: durationpb.New(time.Hour)})
			harness.Must(v.t, err)
		}
	}
	v.openPeople()
	v.openDialogFrom(".to-moderation", ".moderation li")
	v.shoot("moderation")

	v.open(v.town.URL, false)
	v.become("Mallory")
	v.visit("team")
	v.await(`document.querySelector(".read-only")?.textContent.startsWith("You are muted in this room until ")`)
	v.shoot("muted")
}

// openDialogFrom opens a dialog, perhaps from another one.
func (v *viewer) openDialogFrom(selector, content string) {
	v.t.Helper()
	v.click(selector)
	v.await("document.querySelector(`" + content + "`) !== null")
	v.settle()
}
