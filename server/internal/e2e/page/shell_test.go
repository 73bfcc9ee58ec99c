package page

import (
	"context"
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// The banner of the connection: the state that it tells of, and empty while it tells nothing.
const bannerKind = `(document.querySelector(".banner[data-shown=true]")?.dataset.kind ?? "")`

// setOffline takes the network from the page, or gives it back.
func (p *tab) setOffline(offline bool) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		conditions := []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: -1, Offline: offline}}
		rules := network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: conditions}
		if _, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, rules); err != nil {
			return err
		}
		state := network.OverrideNetworkStateParams{Offline: offline, DownloadThroughput: -1, UploadThroughput: -1}
		_, err := cdp.Call(ctx, target, network.OverrideNetworkState, state)
		return err
	}))
}

// chooseSetting chooses in the dialog of the settings, which opens once it is loaded.
func (p *tab) chooseSetting(name, value string) {
	p.t.Helper()
	p.await(`document.querySelector(".settings") !== null`)
	p.run(`document.querySelector(".settings input[name=%s][value=%s]").click()`, name, value)
}

// Theme and density apply at once, in every tab of the browser, and after a reload before
// anything is drawn.
func TestPageSettings(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.widen()
	other := browser{ada.ctx}.open(t, s.URL, "another tab")
	const ground = `getComputedStyle(document.documentElement).backgroundColor`
	const applied = ground + ` === "rgb(26, 30, 36)" && document.documentElement.dataset.density === "compact"`
	ada.await(ground + ` === "rgb(255, 255, 255)"`)
	ada.await(`document.querySelector(".side-foot .avatar").offsetWidth === 32`)

	ada.click(".to-settings")
	ada.chooseSetting("theme", "dark")
	ada.chooseSetting("density", "compact")
	for _, p := range []*tab{ada, other} {
		p.await(applied)
		p.await(`[...document.querySelectorAll("meta[name=theme-color]")].every((m) => m.content === "rgb(26, 30, 36)")`)
	}
	ada.chooseSetting("language", "ja")
	for _, p := range []*tab{ada, other} {
		p.await(`document.documentElement.lang === "ja" && document.querySelector(".to-people").title === "1 人が参加中"`)
	}
	ada.await(`document.querySelector(".dialog h2").textContent === "設定"`)
	ada.run(`document.querySelector(".dialog").close()`)
	ada.reload()
	ada.await(`document.querySelector(".bar") && document.documentElement.lang === "ja" && ` + applied)
	ada.sendMessage("まだ日本語です")
	ada.expectMessages("まだ日本語です")
}

// The first stop of the Tab key leads past the rooms to where one writes.
func TestPageSkipLinks(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.widen()
	ada.reload()
	ada.await(isLive)
	ada.run(`document.activeElement.blur()`)
	for _, want := range []string{"Skip to the messages", "Skip to writing"} {
		ada.do(chromedp.KeyEvent("\t"))
		ada.await(fmt.Sprintf(`document.activeElement.textContent === %q && document.activeElement.offsetHeight > 20`, want))
	}
	ada.do(chromedp.KeyEvent("\r"))
	ada.await(`document.activeElement.id === "text"`)
}

// A first visit says what this is, asks for a name, and lets others be invited; the page fits
// 320 px, also at twice the size of text.
func TestPageFirstVisit(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.open(t, s.URL+"/r/garden", "a visitor", chromedp.WithNewBrowserContext())
	p.do(chromedp.EmulateViewport(320, 568))
	const fits = `document.documentElement.scrollWidth <= innerWidth
		&& [...document.querySelectorAll(".bar *, .welcome *")].every((e) => e.classList.contains("sr-only") || e.getBoundingClientRect().right <= innerWidth + 1)`
	p.await(fits)
	p.await(`document.querySelector("#welcome-title").textContent === "Welcome to chatroom"`)
	p.run(`document.documentElement.style.fontSize = "200%%"`)
	p.await(fits)
	p.run(`document.documentElement.style.fontSize = ""`)
	p.run(`navigator.clipboard.writeText = async (text) => { window.copied = text; }`)
	p.click(".welcome .quiet")
	p.await(`window.copied === location.origin + "/r/garden" && document.querySelector(".toast").textContent === "Link copied"`)
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada\r"), chromedp.WaitVisible(chromedp.CSS("#text")))
	p.await(`!document.querySelector(".welcome")`)
}

// P7: a server that is frozen is told of when the user does something, also without sending,
// and the page continues when the server does.
func TestPageSaysThatTheServerIsFrozen(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.StartProcess(t, harness.InDir(t.TempDir()))
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.sendMessage("before")
	ada.expectMessages("before")
	s.Freeze(t)
	// The pointer presses on, as that of a reader who wonders whether there is news.
	ada.run(`window.pressing = setInterval(() => window.dispatchEvent(new PointerEvent("pointerdown")), 250)`)
	ada.await(`["unanswered", "lost"].includes(` + bannerKind + `)`)
	ada.await(bannerKind + ` === "lost"`) // it is given up, and attempts to reconnect are not answered
	s.Thaw(t)
	ada.await(bannerKind + ` === "" && ` + isLive)
	ada.sendMessage("after")
	ada.expectMessages("before", "after")
}

// P14: a room that there is not, and that may not be made, is not shown as an empty one. The rooms
// of other tabs on the same stream are not concerned.
func TestPageSaysThatThereIsNoRoom(t *testing.T) {
	t.Parallel()
	for name, creation := range map[string]hub.Creation{"for nobody": hub.CreationNobody, "for members": hub.CreationMembers} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBrowser(t)
			s := harness.Start(t, harness.WithLimits(""), func(c *service.Config) { c.RoomCreation = creation })
			lobby := b.open(t, s.URL, "a visitor", chromedp.WithNewBrowserContext())
			p := browser{lobby.ctx}.open(t, s.URL, "a visitor of nothing")
			p.navigate(s.URL + "/r/tea")
			p.await(`document.querySelector(".placeholder h2")?.textContent === "There is no such room"`)
			p.await(`/^Nobody has made the room #tea yet/.test(document.querySelector(".reason").textContent) && !document.querySelector("[role=log], #text")`)
			lobby.await(isLive)
			// Choosing a name tries again.
			p.do(chromedp.SendKeys(chromedp.CSS("#name"), "Bob\r"))
			lobby.await(`document.querySelector("#text") !== null && ` + isLive)
			if creation == hub.CreationMembers {
				p.await(`document.querySelector("#text") !== null && ` + isLive)
				return
			}
			p.await(`document.querySelector(".placeholder h2")?.textContent === "There is no such room" && !document.querySelector("#name")`)
			p.click(".placeholder .buttons button:last-child")
			p.await(`location.pathname === "/r/lobby" && document.querySelector("#text") !== null`)
		})
	}
}

// P14: a room that is refused is told of once, without a composer, and with ways on.
func TestPageSaysThatARoomIsRefused(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	s := harness.Start(t, harness.WithLimits(""), harness.WithPolicy(t, `rooms:
  - {pattern: lobby, anonymous: [read], guest: [read, post, react, edit_own, create]}
  - {pattern: members, anonymous: [], guest: [read, post, create]}
  - {pattern: closed, anonymous: [read], guest: [read, post]}
  - {pattern: '*', anonymous: [], guest: []}`))
	visitor := b.openBlank(t, "a visitor")
	visitor.navigate(s.URL + "/r/members")
	visitor.await(`document.querySelector(".reason")?.textContent === "Only those who have a name can read it."`)
	visitor.do(chromedp.SendKeys(chromedp.CSS("#name"), "Bob\r"), chromedp.WaitVisible(chromedp.CSS("#text")))
	visitor.await(isLive)

	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.navigate(s.URL + "/r/secret")
	ada.await(`document.querySelector(".placeholder h2")?.textContent === "You cannot open this room"`)
	ada.await(`document.querySelectorAll(".reason").length === 1 && document.querySelector(".reason").textContent !== ""`)
	ada.await(`!document.querySelector("#text") && !document.querySelector("#name") && ` + bannerKind + ` === ""`)
	ada.run(`document.querySelector(".placeholder .buttons button:last-child").click()`)
	ada.await(`location.pathname === "/r/lobby" && document.querySelector("#text") !== null && ` + isLive)

	// A room that does not exist, and that no caller may create, is shown as missing.
	ada.navigate(s.URL + "/r/closed")
	ada.await(`document.querySelector(".placeholder h2")?.textContent === "There is no such room"`)

	ada.navigate(s.URL + "/?room=a/b")
	ada.await(`document.querySelector("h1")?.textContent === "This is not a room’s name" && !document.documentElement.dataset.connection`)
	ada.click("main a.button")
	ada.await(`location.pathname === "/r/lobby" && document.querySelector("#text") !== null`)
}
