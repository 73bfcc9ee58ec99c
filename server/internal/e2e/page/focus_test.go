package page

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// expectFocus waits until the focus is in an element that a selector matches.
func (p *tab) expectFocus(selector string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`document.activeElement.matches(%q)`, selector))
}

// The help opens by keys that are no text while one writes, and from the menu.
func TestPageShowsHelp(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	visitor := b.open(t, s.URL, "a visitor", chromedp.WithNewBrowserContext())
	visitor.pressShortcut("/", "ctrlKey")
	visitor.await(`document.querySelector("dialog[open] .writing-help") !== null`)

	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.run(`document.querySelector("#text").focus()`)
	ada.press("?")
	ada.awaitField("?")
	ada.pressShortcut("/", "ctrlKey")
	ada.await(`document.querySelector("dialog[open]")?.textContent.includes("Ctrl+/")`)
	ada.press("\x1b")
	ada.await(`!document.querySelector("dialog")`)
	ada.expectFocus("#text")
	ada.awaitField("?")
	ada.run(`(() => { const b = document.querySelector(".bar-end [aria-haspopup=menu]"); b.focus(); b.click(); })()`)
	ada.await(`document.querySelector("[role=menuitem]") !== null`)
	ada.run(`[...document.querySelectorAll("[role=menuitem]")].find((i) => i.textContent === "Help").click()`)
	ada.await(`document.querySelector("dialog[open] .writing-help") !== null`)
	ada.press("\x1b")
	ada.expectFocus(".bar-end [aria-haspopup=menu]")
}

// If the focused element is removed, the focus moves to the composer or, by touch, to the heading: not to the body.
func TestPageKeepsTheFocus(t *testing.T) {
	t.Parallel()
	for name, afterRoom := range map[string]string{"with a mouse": "#text", "by touch": "h1 button"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := harness.Start(t, harness.WithLimits(""))
			ada := newBrowser(t).openSignedIn(t, s.URL, "Ada")
			if name == "with a mouse" { // Chromium without a screen has none
				ada.run(`(() => { const real = matchMedia.bind(window); window.matchMedia = (q) => real(q === "(hover: hover)" ? "all" : q); })()`)
			}
			ada.widen()
			ada.sendMessage("one")
			ada.sendMessage("two")
			ada.expectMessages("one", "two")
			const ofTwo = ".message:last-child .more"

			ada.chooseByKey("two", "Edit")
			ada.expectFocus("#edit-text")
			ada.press("\x1b")
			ada.expectFocus(ofTwo)
			ada.chooseByKey("two", "Edit")
			ada.expectFocus("#edit-text")
			ada.press("!")
			ada.press("\r")
			ada.expectFocus(ofTwo)
			ada.chooseByKey("one", "Delete…")
			ada.expectFocus("dialog button")
			ada.press("\x1b")
			ada.expectFocus(".message:not(:last-child) .more")
			ada.chooseByKey("one", "Delete…")
			ada.run(`document.querySelector("dialog .danger").click()`)
			ada.await(`document.querySelectorAll("[role=log] .message").length === 1`)
			ada.expectMessages("two!")
			ada.expectFocus("[role=log], [role=log] *, #text, h1 button")

			ada.run(`(() => { const b = document.querySelector(".message .more"); b.focus(); b.click(); })()`)
			ada.await(`document.querySelector(".palette button") !== null`)
			ada.run(`document.querySelector(".palette button").click()`)
			ada.await(`document.querySelector(".chip") !== null`)
			ada.expectFocus(ofTwo)
			ada.run(`(() => { const b = document.querySelector(".chip"); b.focus(); b.click(); })()`)
			ada.await(`!document.querySelector(".chip")`)
			ada.expectFocus("[role=log], [role=log] *, #text, h1 button")

			ada.run(`document.querySelector(".create-room").focus()`)
			ada.run(`document.querySelector(".create-room").click()`)
			ada.do(chromedp.SendKeys(chromedp.CSS("#new-room"), "tea\r"))
			ada.await(`location.pathname === "/r/tea"`)
			ada.expectFocus(afterRoom + ", .create-room")
			ada.run(`document.querySelector(".room-item:has([data-room=tea]) .room-more").focus()`)
			ada.chooseForRoom("tea", "Leave")
			ada.await(`location.pathname === "/r/lobby"`)
			ada.expectFocus(afterRoom)
		})
	}
}

// chooseByKey opens the menu of a message from its button, which has the focus, and clicks an item.
func (p *tab) chooseByKey(text, what string) {
	p.t.Helper()
	p.run(`[...document.querySelectorAll(".message")].findLast((m) => m.querySelector(".text").textContent === %q).querySelector(".more").focus()`, text)
	p.choose(text, what)
}
