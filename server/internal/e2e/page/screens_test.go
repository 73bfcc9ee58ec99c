package page

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// screensDir is where the pictures are stored.
//
//	go test ./server/internal/e2e/page -run TestScreens -screens /tmp/screens
var screensDir = flag.String("screens", "", "the absolute path of a directory to store pictures of the page in")

// docsDir is where the pictures of the documentation are made again.
//
//	go test ./server/internal/e2e/page -run TestScreens/conversation -docs "$PWD/docs"
var docsDir = flag.String("docs", "", "the absolute path of docs, to store its pictures of the page in")

// docsPictures are the pictures of the documentation, by the names of those that they are.
var docsPictures = map[string]string{
	"conversation-1440-light": "page.png",
	"conversation-1440-dark":  "page-dark.png",
	"conversation-360-light":  "page-phone.png",
	"conversation-360-dark":   "page-phone-dark.png",
}

// A device is what the page is shown on.
type device struct {
	name          string
	width, height int64
	scale         float64
	touch         bool // a finger instead of a mouse
	forcedColors  bool // as Windows has them in its contrast themes
}

var (
	phone   = device{name: "360", width: 360, height: 740, scale: 1, touch: true}
	desktop = device{name: "1440", width: 1440, height: 900, scale: 1}
)

// mouse makes Chromium say that there is a mouse, which it does not find without a screen. Tabs
// that emulate touch have none.
var mouse = chromedp.Flag("blink-settings", "primaryHoverType=2,availableHoverTypes=2,primaryPointerType=4,availablePointerTypes=4")

// An area is a part of the page, with the states that a user can bring it into.
type area struct {
	name    string
	devices []device
	show    func(v *viewer)
}

var everywhere = []device{phone, desktop}

var areas = []area{
	{"conversation", everywhere, conversationScreens},
	{"writing", everywhere, writingScreens},
	{"rooms", everywhere, roomScreens},
	{"person", everywhere, personScreens},
	{"moderator", everywhere, moderatorScreens},
	{"history", everywhere, historyScreens},
	{"connection", everywhere, connectionScreens},
	{"language", everywhere, languageScreens},
	{"look", looks, lookScreens},
}

// Every state of the page is free of faults that axe finds, in both themes: contrast, names of
// controls, roles and structure.
func TestScreens(t *testing.T) {
	t.Parallel()
	axe := axeSource(t)
	for _, a := range areas {
		for _, d := range a.devices {
			t.Run(a.name+"-"+d.name, func(t *testing.T) {
				t.Parallel()
				b, town := newBrowser(t, mouse), startTown(t)
				a.show(&viewer{t: t, town: town, browser: b, device: d, axe: axe, languages: "en"})
			})
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

// A viewer looks at the page on a device.
type viewer struct {
	*tab

	t         *testing.T
	town      *town
	browser   browser
	device    device
	axe       string
	languages string
}

// open opens a room in a new tab, as Ada or, without a name, as a visitor. The page is in the
// viewer's languages.
func (v *viewer) open(url string, signedIn bool) {
	v.t.Helper()
	v.tab = v.browser.openBlank(v.t, "the viewer of "+url)
	v.setLanguages(v.languages)
	v.setDevice()
	v.navigate(url + "/nothing") // of the same origin, and not the page
	if hovers := evaluate[bool](v.tab, `matchMedia("(hover: hover) and (pointer: fine)").matches`); hovers == v.device.touch {
		v.t.Fatalf("on the device %q, a media query for a mouse matches: %t", v.device.name, hovers)
	}
	v.setTheme(false)
	if signedIn {
		v.become(ada)
	}
}

// become makes the tab that of a member, from its next page on.
func (v *viewer) become(name string) {
	v.t.Helper()
	v.run(`localStorage.setItem("chatroom.identity", %q)`, v.town.identities[name])
}

// openRoom opens a room as Ada, and waits until its messages are there.
func (v *viewer) openRoom(room string) {
	v.t.Helper()
	v.open(v.town.URL, true)
	v.visit(room)
}

func (v *viewer) visit(room string) {
	v.t.Helper()
	v.navigate(v.town.URL + "/r/" + room)
	v.await(isLive + ` && document.querySelector("#text, .read-only") !== null`)
	v.settle()
}

// shoot stores a picture of the page in each theme, and lets axe examine it. Only the colours differ
// between the themes.
func (v *viewer) shoot(name string) {
	v.t.Helper()
	themes := []string{"light", "dark"}
	if v.device.forcedColors {
		themes = themes[:1] // the colours are the user's in both
	}
	for _, theme := range themes {
		v.setTheme(theme == "dark")
		state := strings.Join([]string{name, v.device.name, theme}, "-")
		v.storePicture(state)
		if theme == "light" {
			v.expectNoAxeViolations(state, "")
		} else {
			v.expectNoAxeViolations(state, `, runOnly: ["color-contrast"]`)
		}
	}
	v.setTheme(false)
}

// openBlank opens a tab in a browser context of its own, without the page.
func (b browser) openBlank(t *testing.T, name string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &tab{t, name, ctx}
	p.do(chromedp.Navigate("about:blank")) // a tab that was never navigated has no document to leave
	return p
}

func (p *tab) setLanguages(languages string) {
	p.t.Helper()
	agent := evaluate[string](p, `navigator.userAgent`)
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
			UserAgent: agent, AcceptLanguage: languages,
		})
		return err
	}))
}

// setDevice makes the tab that of the viewer's device. Media queries see the mouse from the next
// navigation on.
func (v *viewer) setDevice() {
	v.t.Helper()
	d := v.device
	options := []chromedp.EmulateViewportOption{chromedp.EmulateScale(d.scale)}
	if d.touch {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	v.do(chromedp.EmulateViewport(d.width, d.height, options...))
}

// setTheme sets the theme that the device prefers.
func (v *viewer) setTheme(dark bool) {
	v.t.Helper()
	scheme, forced := "light", "none"
	if dark {
		scheme = "dark"
	}
	if v.device.forcedColors {
		forced = "active"
	}
	v.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "forced-colors", Value: forced},
				{Name: "prefers-reduced-motion", Value: "reduce"}, // a picture shows the end of each transition
			},
		})
		return err
	}))
	v.settle()
}

// settle waits until the page has drawn what has changed, and nothing moves but what always does.
func (p *tab) settle() {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
		.then(() => Promise.allSettled(document.getAnimations()
			.filter((animation) => animation.effect.getComputedTiming().endTime !== Infinity)
			.map((animation) => animation.finished)))`, chromedp.EvalAwaitPromise))
}

// expectNoAxeViolations lets axe examine the page, which it scrolls for that, with further options.
func (v *viewer) expectNoAxeViolations(state, options string) {
	v.t.Helper()
	run := `(async () => {
		const log = document.querySelector("[role=log]");
		const top = log?.scrollTop;
		const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false` + options + ` });
		if (log) log.scrollTop = top;
		return JSON.stringify(violations.map((v) =>
			({ rule: v.id, help: v.help, nodes: v.nodes.map((n) => n.target.join(" ") + ": " + n.failureSummary) })));
	})()`
	if !evaluate[bool](v.tab, `"axe" in window`) {
		v.do(chromedp.Evaluate[chromedp.Void](v.axe + "\n;undefined"))
	}
	found, err := chromedp.Run(v.ctx, chromedp.Evaluate[string](run, chromedp.EvalAwaitPromise))
	harness.Must(v.t, err)
	var violations []struct {
		Rule, Help string
		Nodes      []string
	}
	harness.Must(v.t, json.Unmarshal([]byte(found), &violations))
	for _, violation := range violations {
		v.t.Errorf("%s: axe finds %s (%s):\n%s", state, violation.Rule, violation.Help, strings.Join(violation.Nodes, "\n"))
	}
}

func (p *tab) storePicture(name string) {
	p.t.Helper()
	var paths []string
	if *screensDir != "" {
		harness.Must(p.t, os.MkdirAll(*screensDir, 0o755))
		paths = append(paths, filepath.Join(*screensDir, name+".png"))
	}
	if file := docsPictures[name]; file != "" && *docsDir != "" {
		paths = append(paths, filepath.Join(*docsDir, file))
	}
	if len(paths) == 0 {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	harness.Must(p.t, err)
	for _, path := range paths {
		harness.Must(p.t, os.WriteFile(path, picture, 0o644))
	}
}
