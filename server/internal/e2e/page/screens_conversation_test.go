package page

import (
	"fmt"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// messageThat is the newest message in view that contains a text.
func messageThat(contains string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("[role=log] .message")].findLast((m) => m.querySelector(".text")?.textContent.includes(%q))`, contains)
}

// hover moves the mouse over an element.
func (v *viewer) hover(element string) {
	v.t.Helper()
	at := evaluate[[]float64](v.tab, `(() => { const box = `+element+`.getBoundingClientRect(); return [box.x + Math.min(box.width / 2, 120), box.y + box.height / 2]; })()`)
	v.do(chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0], at[1]))
	v.settle()
}

// openMessageMenu opens the menu of a message.
func (v *viewer) openMessageMenu(contains string) {
	v.t.Helper()
	v.run("%s", messageThat(contains)+`.querySelector(".more").click()`)
	v.await(`document.querySelector(".menu:popover-open") !== null`)
}

// chooseInMenu opens the menu of a message, and clicks an item.
func (v *viewer) chooseInMenu(contains, item string) {
	v.t.Helper()
	v.openMessageMenu(contains)
	v.run(`[...document.querySelectorAll(".menu button")].find((b) => (b.getAttribute("aria-label") ?? b.textContent) === %q).click()`, item)
	v.await(`document.querySelector(".menu") === null`)
}

// closePopover closes the popover that is open.
func (v *viewer) closePopover() {
	v.t.Helper()
	v.run(`document.querySelector(":popover-open").hidePopover()`)
	v.await(`document.querySelector("[popover]") === null`)
}

// closeDialog closes the dialog that is open.
func (v *viewer) closeDialog() {
	v.t.Helper()
	v.run(`document.querySelector("dialog").close()`)
	v.await(`document.querySelector("dialog") === null`)
}

// openBusyRoom opens the team's room as Ada, with people in it, and with news in other rooms.
func (v *viewer) openBusyRoom() {
	v.t.Helper()
	v.town.join(v.t, "team", "Grace Hopper", "Linus", "Katherine", "Margaret", "佐藤 花子", "ليلى")
	v.openRoom("design")
	v.visit("support")
	v.visit("team")
	v.town.say(v.t, "Margaret", "design", "And one for the phone.")
	v.town.say(v.t, "Katherine", "design", "Let us take that one.")
	v.town.say(v.t, "Linus", "support", "@"+ada+" do you know the answer to the second one?")
	if !v.device.touch && v.device.width >= 960 {
		v.await(`document.querySelector("[data-room=design] .badge [aria-hidden]")?.textContent === "2" && document.querySelector("[data-room=support] .badge") !== null`)
		v.await(`document.querySelectorAll(".people .person").length === 7`)
	}
	v.settle()
}

// A conversation, and what is done with its messages.
func conversationScreens(v *viewer) {
	v.openBusyRoom()
	v.shoot("conversation")
	if !v.device.touch {
		v.hover(messageThat("Who can take"))
		v.await(messageThat("Who can take") + `.querySelectorAll(".toolbar button").length > 4`)
		v.shoot("toolbar")
	} else {
		v.tap(messageThat("could you add") + `.querySelector(".text")`)
		v.await(`document.activeElement.matches(".message")`)
		v.settle()
		v.shoot("tapped-message")
	}
	v.openMessageMenu("It is in the branch")
	v.shoot("message-menu")
	v.closePopover()

	v.chooseInMenu("That context", "Who reacted")
	v.await(`document.querySelector(".reactors") !== null`)
	v.shoot("who-reacted")
	v.closeDialog()

	v.chooseInMenu("It is in the branch", "More emoji")
	v.await(`document.querySelectorAll(".emoji-picker [role=gridcell]").length > 20`)
	v.settle()
	v.shoot("emoji-picker")
	v.do(chromedp.SendKeys(chromedp.CSS(".emoji-search"), "cat"))
	v.await(`document.querySelector(".emoji-picker [role=status]").textContent !== ""`)
	v.shoot("emoji-search")
	v.closePopover()

	v.chooseInMenu("could you add", "Reply")
	v.await(`document.querySelector(".purpose") !== null`)
	v.shoot("reply")
	v.run(`document.querySelector(".purpose button").click()`)

	v.chooseInMenu("It is in the branch", "Edit")
	v.await(`document.querySelector("#edit-text") !== null`)
	v.shoot("edit")
	v.run(`[...document.querySelectorAll(".edit-buttons button")][0].click()`)
	v.await(`document.querySelector("#edit-text") === null`)

	v.chooseInMenu("It is in the branch", "Delete…")
	v.await(`document.querySelector("dialog .danger") !== null`)
	v.shoot("delete")
	v.closeDialog()
}

// What is written, and what the page offers meanwhile.
func writingScreens(v *viewer) {
	v.town.join(v.t, "team", "Grace Hopper", "Linus", "Katherine", "佐藤 花子")
	v.openRoom("team")
	v.run(`document.querySelector("#text").focus()`)
	offer := func(text, name string) {
		v.t.Helper()
		v.do(chromedp.SendKeys(chromedp.CSS("#text"), text))
		v.await(`document.querySelector(".completion [role=option]") !== null`)
		v.settle()
		v.shoot(name)
		v.run(`document.querySelector("#text").select(); document.execCommand("delete")`)
		v.await(`document.querySelector(".completion") === null`)
	}
	offer("@", "complete-name")
	offer("nice :smi", "complete-emoji")
	offer("/", "complete-command")

	v.run(`document.execCommand("insertText", false, "Here is what I would change:\n\n- the title\n- the first picture\n\nWhat do you think?")`)
	v.await(`!document.querySelector(".send").disabled`)
	v.shoot("composer-lines")
	v.run(`document.querySelector("#text").select(); document.execCommand("insertText", false, "Too long. ".repeat(420))`)
	v.await(`document.querySelector("#length").textContent.includes("too many")`)
	v.shoot("composer-too-long")
	v.run(`document.querySelector("#text").select(); document.execCommand("insertText", false, "/join design")`)
	v.run(`document.querySelector(".composer").requestSubmit()`)
	v.await(`document.querySelector(".composer-note") !== null`)
	v.shoot("unknown-command")
	v.run(`document.querySelector("#text").select(); document.execCommand("delete")`)

	v.run(`document.querySelector("#text").select(); document.execCommand("insertText", false, "/help")`)
	v.run(`document.querySelector(".composer").requestSubmit()`)
	v.await(`document.querySelector(".writing-help") !== null`)
	v.shoot("help")
	v.closeDialog()

	for _, who := range []string{"Grace Hopper", "Linus"} {
		_, err := v.town.clients[who].Send(harness.Context(v.t), harness.TypingRequest("team", "typing", false))
		harness.Must(v.t, err)
	}
	v.await(`/are typing/.test(document.querySelector(".typing").textContent)`)
	v.shoot("typing")
}

// What is found when one comes back, and what is earlier.
func historyScreens(v *viewer) {
	v.openRoom("support")
	v.await(atEnd + ` && localStorage.getItem("chatroom.seen")?.includes("support")`)
	v.navigate("about:blank")
	fill(v.t, v.town.clients["Grace Hopper"], "support", 0, 40)
	v.visit("support")
	v.await(`document.querySelector(".divider.unread") !== null && document.querySelector(".to-end .count") !== null`)
	v.settle()
	v.shoot("unread")

	v.visit("archive")
	v.await(atEnd)
	v.run(`document.querySelector("[role=log]").scrollTop -= 400`)
	v.await(`document.querySelector(".to-end") !== null`)
	v.settle()
	v.shoot("earlier")
	v.openCalendar()
	v.shoot("calendar")
	v.chooseDate()
	v.shoot("date")
	v.run(`document.querySelector("[role=log]").scrollTop = 0`)
	v.await(logStart + ` !== undefined`)
	v.settle()
	v.shoot("beginning")

	v.visit("unruly")
	v.await(`document.querySelector(".unfold") !== null`)
	v.run(`document.querySelector("[role=log]").scrollTop = 0`)
	v.settle()
	v.shoot("long-message")
	v.run(`document.querySelector("[role=log]").scrollTop = 1e6`)
	v.settle()
	v.shoot("unruly")

	v.navigate(v.town.URL + "/r/archive/999999")
	v.await(`document.querySelector(".absent") !== null`)
	v.shoot("absent-message")
}

// openCalendar asks for the day to go to, which shows the browser's own calendar.
func (v *viewer) openCalendar() {
	v.t.Helper()
	v.run(`{
		const show = HTMLInputElement.prototype.showPicker;
		HTMLInputElement.prototype.showPicker = function () { show.call(this); window.calendar = this; };
	}`)
	v.click(".day-header button")
	v.await(`window.calendar?.type === "date" && window.calendar.max >= window.calendar.value`)
	v.settle()
}

// chooseDate chooses the day three days before in the calendar, and waits until the log is there.
func (v *viewer) chooseDate() {
	v.t.Helper()
	v.run(`{
		const day = new Date(window.calendar.value);
		day.setUTCDate(day.getUTCDate() - 3);
		window.chosen = day.toISOString().slice(0, 10);
		window.calendar.value = window.chosen;
		window.calendar.dispatchEvent(new Event("change", { bubbles: true }));
		window.calendar.style.display = "none"; // which closes the calendar
	}`)
	v.await(`[...document.querySelectorAll("time")].some((time) => {
		const { y } = time.getBoundingClientRect();
		return time.dateTime === window.chosen && y > 0 && y < innerHeight / 2;
	})`)
	v.settle()
}

// What the page says when the connection or the server fails.
func connectionScreens(v *viewer) {
	line := newBreakableProxy(v.t, v.town.Addr)
	v.open(line.URL, true)
	v.navigate(line.URL + "/r/team")
	v.await(isLive + ` && document.querySelector("#text") !== null`)
	v.run(`{ const real = window.fetch; window.fetch = (url, init) => String(url).endsWith("/Send") && window.refuses
		? Promise.resolve(new Response(JSON.stringify({ code: "permission_denied", message: "You may not write in this room today." }), { status: 403, headers: { "content-type": "application/json" } }))
		: real(url, init); window.refuses = true; }`)
	v.write("This one is refused by the server.")
	v.await(`document.querySelector(".failed") !== null`)
	v.shoot("failed-message")
	v.run(`[...document.querySelectorAll(".failed button")].at(-1).click(); window.refuses = false`)
	v.await(`document.querySelector(".failed") === null`)

	line.breakConnections()
	v.write("This one waits until the connection is back.")
	v.await(`document.querySelector(".banner[data-kind=lost][data-shown=true]") !== null && document.querySelector(".state") !== null`)
	v.settle()
	v.shoot("lost-connection")
	v.navigate(line.URL + "/r/design")
	v.await(`document.querySelector(".placeholder") !== null`)
	v.settle()
	v.shoot("no-connection")
}

// write sends a message by the composer of a device.
func (v *viewer) write(text string) {
	v.t.Helper()
	v.run(`document.querySelector("#text").focus(); document.execCommand("insertText", false, %q)`, text)
	v.await(`!document.querySelector(".send").disabled`)
	v.run(`document.querySelector(".composer").requestSubmit()`)
}
