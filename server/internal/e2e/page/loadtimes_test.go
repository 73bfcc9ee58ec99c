package page

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// networkSpeed is what Chromium makes of its connections.
type networkSpeed struct {
	name    string
	latency float64 // in milliseconds
	bytes   float64 // per second; -1 for as fast as it is
}

// The page loads little before it shows the first message. The log has how long that takes, on this
// machine and on a slow line: go test -v -run TestPageFirstLoad ./server/internal/e2e/page.
func TestPageFirstLoad(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t), harness.Context(t)
	harness.SendTexts(ctx, t, harness.ConnectHTTP2.Open(t, s, ""), "lobby", 1, 50)
	for _, l := range []networkSpeed{
		{"loopback, in a browser that has just started", 0, -1},
		{"1.6 Mbit/s, 150 ms", 150, 200_000},
		{"loopback", 0, -1},
		{"loopback again", 0, -1},
	} {
		tabContext, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext())
		p := &tab{t, l.name, tabContext}
		p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			if _, err := cdp.Call(ctx, target, network.Enable, network.EnableParams{}); err != nil {
				return err
			}
			_, err := cdp.Call(ctx, target, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
				MatchedNetworkConditions: []*network.Conditions{{Latency: l.latency, DownloadThroughput: l.bytes, UploadThroughput: l.bytes}},
			})
			if err != nil {
				return err
			}
			_, err = cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `
				window.shown = {};
				const note = (name, selector) => { if (!shown[name] && document.querySelector(selector)) shown[name] = Math.round(performance.now()); };
				new MutationObserver(() => { note("page", ".page"); note("message", "[role=log] .message"); })
					.observe(document, { childList: true, subtree: true });`})
			return err
		}), chromedp.Navigate(s.URL+"/"))
		p.await(`window.shown?.message > 0`)
		const summary = `(() => {
			const before = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].filter((e) => e.startTime < shown.message);
			const steps = before.map((e) => new URL(e.name).pathname + " " + Math.round(e.startTime) + "-" + Math.round(e.responseEnd));
			return { page: shown.page, message: shown.message, bytes: before.reduce((n, e) => n + e.encodedBodySize, 0), steps };
		})()`
		got, err := chromedp.Run(p.ctx, chromedp.Evaluate[struct {
			Page, Message, Bytes int
			Steps                []string
		}](summary))
		harness.Must(t, err)
		t.Logf("%s: the page is there after %d ms, the first message after %d ms, with %d bytes", l.name, got.Page, got.Message, got.Bytes)
		for _, step := range got.Steps {
			t.Log("   ", step)
		}
		cancel()
		if limit := 110_000; got.Bytes > limit { // as in web/delivery.mjs
			t.Errorf("%s: the first message needs %d bytes, want at most %d", l.name, got.Bytes, limit)
		}
	}
}
