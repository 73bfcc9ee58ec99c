package page

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"chatroom/server/internal/e2e/harness"
)

// pressBack presses Tab with Shift.
func (p *tab) pressBack() {
	p.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		_, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{
			Type: kind, Key: "Tab", Code: "Tab", WindowsVirtualKeyCode: 9, Modifiers: int64(chromedp.ModifierShift),
		})
		harness.Must(p.t, err)
	}
}

// Lists of rooms and of people are one stop of the Tab key each, in which the arrow keys move. A visitor
// begins in the field for the name, and Shift+Tab leads from the composer to the newest message.
func TestPageIsUsedByKeys(t *testing.T) {
	t.Parallel()
	town := startTown(t)
	town.join(t, "team", "Grace Hopper", "Linus")
	v := &viewer{t: t, town: town, browser: newBrowser(t, mouse), device: desktop, languages: "en"}
	v.open(town.URL, false)
	v.navigate(town.URL + "/r/team")
	v.await(isLive + ` && document.querySelectorAll(".room-link").length > 8`)
	v.expectFocus("#name")
	v.press("Nora\r")
	v.expectFocus("#text")
	v.await(`document.querySelectorAll(".person").length === 3`)
	v.pressBack()
	v.expectFocus(".message:last-child .more")

	v.run(`document.querySelector(".create-room").focus()`)
	for _, step := range []struct{ keys, focus string }{
		{kb.Tab, "[data-room=team]"},
		{kb.ArrowDown, ".room-item [data-room=design]"},
		{kb.Tab, "[data-room=design] + .room-more"},
		{kb.Tab, "#who"},
	} {
		v.press(step.keys)
		v.expectFocus(step.focus)
	}
	v.pressBack()
	v.expectFocus("[data-room=design] + .room-more")
	v.pressBack()
	v.expectFocus("[data-room=design]")
	v.press(kb.End)
	v.expectFocus("section:last-of-type .room-item:last-child .room-link")
	v.press(kb.Home)
	v.expectFocus("[data-room=team]")

	v.run(`document.querySelector(".person button").focus()`)
	v.press(kb.ArrowDown)
	v.expectFocus(".person:nth-child(2) button")
	v.press(kb.Tab)
	v.await(`!document.activeElement.closest(".people-list")`)

	v.run(`document.activeElement.blur()`)
	v.press("?")
	v.await(`[...document.querySelectorAll("dialog[open] kbd")].some((k) => k.textContent === "Shift+Tab")`)
}
