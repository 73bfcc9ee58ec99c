package page

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// fill sends messages of a member to a room, in batches. Their texts have different lengths.
func fill(t *testing.T, v harness.Client, room string, from, to int) {
	t.Helper()
	for from < to {
		batch := &chatv1.SendBatchRequest{}
		for ; from < to && len(batch.GetSends()) < 100; from++ {
			text := fmt.Sprintf("message %d%s", from, strings.Repeat(" and some more words", from%9*from%7))
			send := harness.TextRequest(room, text)
			send.Id = fmt.Sprint("m", from)
			batch.Sends = append(batch.Sends, send)
		}
		response, err := v.SendBatch(harness.Context(t), batch)
		harness.Must(t, err)
		for _, result := range response.GetResults() {
			if result.GetSent() == nil {
				t.Fatalf("a send of a batch was refused: %v", result)
			}
		}
	}
}

// member signs in, and returns a client that calls with its token.
func member(t *testing.T, s *harness.Service, name string) harness.Client {
	t.Helper()
	token, _ := s.SignIn(t, name)
	return harness.ConnectOver(harness.H2CClient)(t, s, token)
}

// evaluate returns the value of an expression in the page.
func evaluate[T any](p *tab, expression string) T {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("the page of %s: %s: %v", p.name, expression, err)
	}
	return value
}

// scroll scrolls the log in steps of some pixels, one in two frames, until a condition holds.
// It returns how far the text at the top of the view moved by itself after a step, at most.
func (p *tab) scroll(pixels int, until string) float64 {
	p.t.Helper()
	p.run(`window.moved = undefined; (async () => {
		const box = document.querySelector("[role=log]");
		const frame = () => new Promise(requestAnimationFrame);
		let moved = 0;
		for (let i = 0; i < 5000 && !(%s); i++) {
			box.scrollTop += %d;
			const { top: edge, bottom } = box.getBoundingClientRect();
			const isInView = (rect) => rect.bottom > edge && rect.top < bottom;
			const text = [...box.querySelectorAll(".text")].find((e) => isInView(e.getBoundingClientRect()));
			const top = text?.getBoundingClientRect().top;
			await frame();
			await frame();
			if (text?.isConnected) moved = Math.max(moved, Math.abs(text.getBoundingClientRect().top - top));
		}
		window.moved = moved;
	})()`, until, pixels)
	p.await(`window.moved !== undefined`)
	if !evaluate[bool](p, until) {
		p.t.Errorf("the page of %s was scrolled, and never has %s", p.name, until)
	}
	return evaluate[float64](p, `window.moved`)
}

// shows is whether a message is in view.
func shows(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("[role=log] .text")].some((e) => {
		const box = document.querySelector("[role=log]").getBoundingClientRect();
		const { top, bottom } = e.getBoundingClientRect();
		return e.textContent.startsWith(%q) && bottom > box.top && top < box.bottom;
	})`, text)
}

const elements = `document.getElementsByTagName("*").length`

// P9: history loads by scrolling, nothing in view moves meanwhile, and the number of
// elements does not depend on that of the messages.
func TestPageScrollsThroughHistory(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	fill(t, member(t, s, "grace"), "lobby", 0, 10_000)
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.await(shows("message 9999"))
	const most = 3_000
	if n := evaluate[int](ada, elements); n > most {
		t.Errorf("the page opens with %d elements, want at most %d", n, most)
	}
	if moved := ada.scroll(-300, shows("message 9300 ")); moved > 2 {
		t.Errorf("a text in view moved by %.1f px while earlier messages were loaded", moved)
	}
	if moved := ada.scroll(-1_000, shows("message 0")); moved > 2 {
		t.Errorf("a text in view moved by %.1f px while earlier messages were loaded fast", moved)
	}
	if n := evaluate[int](ada, elements); n > most {
		t.Errorf("the page has %d elements at the start of 10,000 messages, want at most %d", n, most)
	}
	ada.await(logStart + ` === "This is where #lobby begins."`)
}
