package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
)

// browser is a running Chromium. Its visitors share nothing.
type browser struct{ ctx context.Context }

// newBrowser starts Chromium, or skips the test without one.
func newBrowser(t *testing.T) browser {
	t.Helper()
	path := requireTool(t, "chromium")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // there is none for root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
	))
	t.Cleanup(func() {
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("closing Chromium: %v", err)
		}
	})
	must(t, chromedp.Do(ctx)) // starts it, so that visitors are its tabs
	return browser{ctx}
}

// tab is a page that somebody looks at.
type tab struct {
	t    *testing.T
	name string
	ctx  context.Context
}

// visit opens the page for somebody new, and signs in with a name.
func (b browser) visit(t *testing.T, url, name string) *tab {
	t.Helper()
	p := b.open(t, url, name, chromedp.WithNewBrowserContext())
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), name), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	p.do(chromedp.WaitVisible(chromedp.CSS("#text")))
	return p
}

func (b browser) open(t *testing.T, url, name string, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, options...)
	t.Cleanup(cancel)
	p := &tab{t, name, ctx}
	p.do(chromedp.Navigate(url))
	p.await(`document.querySelector("[role=status]")?.textContent === "Live"`)
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("the page of %s: %v", p.name, err)
	}
}

// await waits until an expression in the page is true.
func (p *tab) await(expression string) {
	p.t.Helper()
	_, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(30*time.Second)))
	if err != nil {
		p.t.Fatalf("the page of %s never has %s: %v; it shows %q", p.name, expression, err, p.texts())
	}
}

func (p *tab) say(text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#text"), text+"\r"))
}

// texts returns the messages that the page shows as stored, in its order.
func (p *tab) texts() []string {
	p.t.Helper()
	const shown = `[...document.querySelectorAll("[role=log] .message")]
		.filter((m) => !m.querySelector(".state, .failed"))
		.map((m) => m.querySelector(".text").textContent)`
	texts, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](shown))
	if err != nil {
		p.t.Errorf("the page of %s: %v", p.name, err)
	}
	return texts
}

// shows waits until the page shows exactly these messages in this order.
func (p *tab) shows(want ...string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`document.querySelectorAll("[role=log] .message").length >= %d
		&& !document.querySelector("[role=log] .state")`, len(want)))
	if got := p.texts(); !slices.Equal(got, want) {
		p.t.Errorf("the page of %s shows %q, want %q", p.name, got, want)
	}
}

// People on the page and a native client are in one room.
func TestPage(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), serve(t), bounded(t)
	token, _ := s.enter(t, "grace")
	native := grpcDoor(t, s, token)
	receive, err := native.subscribe(ctx, only(&chatv1.Subscription{Room: "lobby"}))
	must(t, err)
	receive.joined(t)

	ada, bob := b.visit(t, s.URL, "Ada"), b.visit(t, s.URL, "Bob")
	ada.say("hello from Ada")
	bob.shows("hello from Ada")
	bob.say("<b>markup</b> & more …")
	ada.shows("hello from Ada", "<b>markup</b> & more …")
	_, err = native.Send(ctx, saying("lobby", "and from gRPC"))
	must(t, err)
	all := []string{"hello from Ada", "<b>markup</b> & more …", "and from gRPC"}
	ada.shows(all...)
	bob.shows(all...)

	for i, e := range receive.events(t, 0, len(all)) {
		if got, from := e.GetMessage().GetText(), e.GetSender().GetName(); got != all[i] || from != []string{"Ada", "Bob", "grace"}[i] {
			t.Errorf("event %d is %q of %s, want %q", i, got, from, all[i])
		}
	}
	// Who comes back is the same guest, and finds what was said.
	ada.do(chromedp.Reload())
	ada.shows(all...)
	ada.await(`document.querySelectorAll("[role=log] [data-ours=true]").length === 1`)
}

// A page whose connections break goes on where it was: nothing is missing, and
// nothing comes twice.
func TestPageResumes(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), serve(t), bounded(t)
	line := newLine(t, s.Addr)
	ada := b.visit(t, line.URL, "Ada")
	v := connectDoor(h2cClient)(t, s, "")
	var all []string
	for round := range 5 {
		if round > 0 {
			line.cut()
		}
		for i := range 10 {
			text := fmt.Sprintf("message %d of round %d", i, round)
			_, err := v.Send(ctx, saying("lobby", text))
			must(t, err)
			all = append(all, text)
		}
		said := fmt.Sprintf("Ada in round %d", round)
		ada.say(said) // waits in the page while there is no connection
		all = append(all, said)
		if round > 0 {
			line.mend()
		}
		ada.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("button")].find((b) => b.textContent === "Reconnect now")?.click()`))
		ada.shows(all...)
	}
}

// Ten tabs of one browser are within the six connections that it opens to a
// server, and all are live.
func TestPageInTenTabs(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), serve(t)
	tabs := []*tab{b.open(t, s.URL, "tab 0")}
	tabs[0].do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada"), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	tabs[0].do(chromedp.WaitVisible(chromedp.CSS("#text")))
	for i := 1; i < 10; i++ {
		tabs = append(tabs, b.open(t, s.URL, fmt.Sprintf("tab %d", i)))
	}
	var all []string
	for i, p := range tabs {
		text := fmt.Sprintf("from tab %d", i)
		p.say(text)
		all = append(all, text)
		p.shows(all...)
	}
	for _, p := range tabs {
		p.shows(all...)
	}
}

// The page loads nothing but its own files, and its policy forbids nothing that
// it does.
func TestPageKeepsToItsPolicy(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), serve(t)
	var said []string
	ctx, cancel := context.WithCancel(b.ctx)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for message, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			said = append(said, fmt.Sprint(message.Type, ": ", message.Text))
		}
	}()
	p := &tab{t, "Ada", b.ctx}
	p.do(chromedp.Navigate(s.URL))
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada"), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	p.do(chromedp.WaitVisible(chromedp.CSS("#text")))
	p.say("see https://example.com/ for more")
	p.shows("see https://example.com/ for more")
	origins, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`[...new Set(performance.getEntries().map((e) => e.name).filter((n) => n.includes("://")).map((n) => new URL(n).origin))]`))
	must(t, err)
	cancel()
	<-heard
	if !slices.Equal(origins, []string{s.URL}) {
		t.Errorf("the page loads from %q, want %q alone", origins, s.URL)
	}
	if len(said) > 0 {
		t.Errorf("the console has\n%s", strings.Join(said, "\n"))
	}
}
