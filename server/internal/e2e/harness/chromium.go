package harness

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// Chromium starts Chromium for a test, or skips the test without one. Its tabs are made with
// chromedp.NewContext of the context.
func Chromium(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := RequireTool(t, "chromium")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	ctx, _ = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(append(flags,
		chromedp.ExecPath(path),
		chromedp.NoSandbox, // there is none for root
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
	)...))
	t.Cleanup(func() {
		defer cancel()
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("closing Chromium: %v", err)
		}
	})
	Must(t, chromedp.Do(ctx)) // starts it, so that each page is a tab of it
	return ctx
}
