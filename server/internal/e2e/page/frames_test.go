package page

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// scrolledMessages is how many messages the room has in which the wheel is turned.
const scrolledMessages = 10_000

// frames is how long frames took, in milliseconds, and what the page has afterwards.
type frames struct {
	N, P50, P95, Max float64
	Elements         int
	Heap             float64 // of the scripts, in megabytes
}

// scrollByWheel turns the wheel over the log at 4,000 pixels per second, and returns how long the
// frames took meanwhile. Positive pixels lead to earlier messages.
func (p *tab) scrollByWheel(pixels float64) frames {
	p.t.Helper()
	p.run(`window.times = []; {
		const own = times;
		let last = performance.now();
		const frame = (now) => {
			if (window.times !== own) return;
			own.push(now - last);
			last = now;
			requestAnimationFrame(frame);
		};
		requestAnimationFrame(frame);
	}`)
	_, err := chromedp.Call(p.ctx, input.SynthesizeScrollGesture, input.SynthesizeScrollGestureParams{
		X: 400, Y: 400, YDistance: pixels, Speed: 4_000, PreventFling: new(true), GestureSourceType: input.GestureSourceTypeMouse,
	})
	harness.Must(p.t, err)
	return evaluate[frames](p, `(() => {
		const sorted = times.slice(1).sort((a, b) => a - b);
		window.times = null;
		const at = (part) => Math.round(10 * sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]) / 10;
		return { N: sorted.length, P50: at(0.5), P95: at(0.95), Max: at(1), Elements: `+elements+`, Heap: Math.round(performance.memory.usedJSHeapSize / 1e5) / 10 };
	})()`)
}

// The log of a room of 10,000 messages scrolls with the wheel, and the page stays small. The log of
// the test has how long frames take: go test -v -run TestPageFrames ./server/internal/e2e/page.
func TestPageFrames(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	fill(t, member(t, s, "grace"), "lobby", 0, scrolledMessages)
	began := time.Now()
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.await(shows(fmt.Sprint("message ", scrolledMessages-1)))
	t.Logf("opened and signed in after %v", time.Since(began).Round(time.Millisecond))
	for range 3 {
		f := ada.scrollByWheel(40_000)
		t.Logf("%.0f frames: median %.1f ms, 95 %% within %.1f ms, at most %.1f ms; %d elements, %.1f MB", f.N, f.P50, f.P95, f.Max, f.Elements, f.Heap)
		if f.Elements > mostElements {
			t.Errorf("the page has %d elements, want at most %d", f.Elements, mostElements)
		}
	}
	if !evaluate[bool](ada, `document.querySelector(".to-end") !== null`) {
		t.Error("the wheel does not scroll the log")
	}
}
