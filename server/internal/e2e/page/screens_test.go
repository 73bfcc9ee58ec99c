package page

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// screensDir is where the screens are stored.
//
//	go test ./server/internal/e2e/page -run TestScreens -screens /tmp/screens
var screensDir = flag.String("screens", "", "the absolute path of a directory to store pictures of the page in")

// A look is a size of the window, and a colour scheme.
type look struct {
	name          string
	width, height int64
	dark          bool
}

var looks = []look{
	{"360-light", 360, 740, false},
	{"360-dark", 360, 740, true},
	{"768-light", 768, 1024, false},
	{"768-dark", 768, 1024, true},
	{"1440-light", 1440, 900, false},
	{"1440-dark", 1440, 900, true},
}

// A screen is a state of the page that has its own picture.
type screen struct {
	name string
	// languages are the browser's; "ja" shows the Japanese words.
	languages string
	room      string
	// signedIn is whether the user has chosen a name.
	signedIn bool
	// show brings the page into the state, and hide takes it out of it.
	show, hide func(p *tab)
}

// Every state of the page at every size is free of faults that axe finds: contrast, names of
// controls, roles and structure.
func TestScreens(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	seedConversations(ctx, t, s)
	var p *tab
	var signedIn string
	for _, screen := range screens {
		if key := fmt.Sprint(screen.signedIn, screen.languages); p == nil || key != signedIn {
			p = b.openBlank(t, "the viewer")
			p.setLanguages(screen.languages)
			signedIn = key
			if screen.signedIn {
				p.do(chromedp.Navigate(s.URL + "/?room=" + screen.room))
				p.await(`document.querySelector("#name") !== null`)
				p.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada\r"), chromedp.WaitVisible(chromedp.CSS("#text")))
			}
		}
		p.do(chromedp.Navigate(s.URL + "/?room=" + screen.room))
		p.awaitConnected()
		for _, look := range looks {
			p.setLook(look)
			if screen.show != nil {
				screen.show(p)
			}
			name := screen.name + "-" + look.name
			p.storePicture(name)
			p.expectNoAxeViolations(axe, name)
			p.run(`document.querySelector(".to-end")?.click(); document.activeElement?.blur()`) // axe scrolls
			if screen.hide != nil {
				screen.hide(p)
			}
		}
	}
}

// axeSource returns axe-core, which the tests of the page install.
func axeSource(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "web", "node_modules", "axe-core", "axe.min.js"))
	if os.IsNotExist(err) && os.Getenv("CHATROOM_TEST_REQUIRE") != "1" {
		t.Skip("axe-core is not installed: npm --prefix web ci installs it")
	}
	harness.Must(t, err)
	return string(source)
}

// openBlank opens a tab in a browser context of its own, without the page.
func (b browser) openBlank(t *testing.T, name string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &tab{t, name, ctx}
	p.do()
	return p
}

// awaitConnected waits until the page shows a room's messages as they are now.
func (p *tab) awaitConnected() {
	p.t.Helper()
	p.await(isLive)
}

func (p *tab) setLanguages(languages string) {
	p.t.Helper()
	agent, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`navigator.userAgent`))
	harness.Must(p.t, err)
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent: agent, AcceptLanguage: languages,
		})
		return err
	}))
}

func (p *tab) setLook(l look) {
	p.t.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	options := []chromedp.EmulateViewportOption{}
	if l.width < 768 {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	p.do(chromedp.EmulateViewport(l.width, l.height, options...), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // a picture shows the end of each transition
			},
		})
		return err
	}))
	p.settle()
}

// settle waits until the page has drawn what has changed, and nothing moves.
func (p *tab) settle() {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
		.then(() => Promise.allSettled(document.getAnimations().map((animation) => animation.finished)))`, chromedp.EvalAwaitPromise))
}

func (p *tab) expectNoAxeViolations(source, state string) {
	p.t.Helper()
	const run = `axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) => JSON.stringify(violations.map((v) =>
		({ rule: v.id, help: v.help, nodes: v.nodes.map((n) => n.target.join(" ") + ": " + n.failureSummary) }))))`
	p.do(chromedp.Evaluate[chromedp.Void](source + "\n;undefined"))
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise))
	harness.Must(p.t, err)
	var violations []struct {
		Rule, Help string
		Nodes      []string
	}
	harness.Must(p.t, json.Unmarshal([]byte(found), &violations))
	for _, v := range violations {
		p.t.Errorf("%s: axe finds %s (%s):\n%s", state, v.Rule, v.Help, strings.Join(v.Nodes, "\n"))
	}
}

func (p *tab) storePicture(name string) {
	p.t.Helper()
	if *screensDir == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	harness.Must(p.t, err)
	harness.Must(p.t, os.MkdirAll(*screensDir, 0o755))
	harness.Must(p.t, os.WriteFile(filepath.Join(*screensDir, name+".png"), picture, 0o644))
}
