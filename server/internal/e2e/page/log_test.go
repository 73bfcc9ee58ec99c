package page

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
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

// mostElements is how many elements the page may have, however long a room is.
const mostElements = 3_000

// P9: history loads by scrolling, nothing in view moves meanwhile, and the number of
// elements does not depend on that of the messages.
func TestPageScrollsThroughHistory(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	fill(t, member(t, s, "grace"), "lobby", 0, 10_000)
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.await(shows("message 9999"))
	if n := evaluate[int](ada, elements); n > mostElements {
		t.Errorf("the page opens with %d elements, want at most %d", n, mostElements)
	}
	if moved := ada.scroll(-300, shows("message 9300 ")); moved > 2 {
		t.Errorf("a text in view moved by %.1f px while earlier messages were loaded", moved)
	}
	if moved := ada.scroll(-1_000, shows("message 0")); moved > 2 {
		t.Errorf("a text in view moved by %.1f px while earlier messages were loaded fast", moved)
	}
	if n := evaluate[int](ada, elements); n > mostElements {
		t.Errorf("the page has %d elements at the start of 10,000 messages, want at most %d", n, mostElements)
	}
	ada.await(logStart + ` === "This is where #lobby begins."`)
}

// A reader who scrolls to the beginning and pauses there sees nothing move, although the rows on the way
// were not as high as assumed.
func TestPageSettlesAtTheBeginning(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	fill(t, member(t, s, "grace"), "lobby", 0, 300)
	ada := b.openSignedIn(t, s.URL, "Ada")
	for _, height := range []int64{500, 900, 1600} {
		ada.do(chromedp.EmulateViewport(800, height))
		ada.navigate("about:blank")
		ada.navigate(s.URL)
		ada.await(shows("message 299"))
		ada.await(`(document.querySelector("[role=log]").scrollTop -= 450) <= 0 && ` + logStart + ` === "This is where #lobby begins." && ` + shows("message 0"))
		ada.run(`window.moved = undefined; {
			const text = [...document.querySelectorAll("[role=log] .text")].find((e) => e.textContent.startsWith("message 0"));
			const { top } = text.getBoundingClientRect();
			setTimeout(() => { window.moved = text.getBoundingClientRect().top - top; }, 300); // the log waits 150 ms
		}`)
		ada.await(`window.moved !== undefined`)
		if moved := evaluate[float64](ada, `window.moved`); moved < -2 || moved > 2 {
			t.Errorf("at a height of %d px, the first message moved by %.1f px when the reader paused", height, moved)
		}
	}
}

// top returns where a message is in the view, in pixels from the top of the log.
func (p *tab) top(text string) float64 {
	p.t.Helper()
	return evaluate[float64](p, fmt.Sprintf(`[...document.querySelectorAll("[role=log] .text")].find((e) => e.textContent.startsWith(%q))
		.getBoundingClientRect().top - document.querySelector("[role=log]").getBoundingClientRect().top`, text))
}

const atEnd = `document.querySelector(".to-end") === null`

// P8: a room opens at its first unread message, also when that is far from the end, and
// what is unread counts as read at the end only.
func TestPageOpensAtFirstUnread(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	grace := member(t, s, "grace")
	fill(t, grace, "lobby", 0, 20)
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.await(shows("message 19"))
	ada.await(atEnd)
	ada.navigate("about:blank")
	fill(t, grace, "lobby", 20, 320)
	ada.navigate(s.URL)
	ada.await(shows("message 20 "))
	ada.await(`document.querySelector(".divider.unread") !== null && document.querySelector(".to-end .count") !== null`)
	if top := ada.top("message 20 "); top < 0 || top > 300 {
		t.Errorf("the first unread message is %.0f px below the top of the view", top)
	}
	ada.run(`document.querySelector(".to-end").click()`)
	ada.await(shows("message 319"))
	ada.await(atEnd)
	ada.reload()
	ada.await(shows("message 319"))
	ada.await(atEnd)
}

// A room that was left in the middle of its history is there again, also after a reload.
func TestPageKeepsPlaceInRoom(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	fill(t, member(t, s, "grace"), "lobby", 0, 600)
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.await(shows("message 599"))
	ada.scroll(-500, shows("message 300 "))
	place := ada.top("message 300 ")
	ada.reload()
	ada.await(shows("message 300 "))
	ada.await(`document.querySelector(".to-end") !== null`)
	if top := ada.top("message 300 "); top < place-30 || top > place+30 {
		t.Errorf("the message is at %.0f px after a reload, and was at %.0f px", top, place)
	}
}

// A link to a message opens the room around it; from there, one reads on to the end.
func TestPageOpensLinkToMessage(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	fill(t, member(t, s, "grace"), "lobby", 0, 1_000)
	ada := b.openSignedIn(t, s.URL+"/r/lobby/401", "Ada")
	ada.await(shows("message 400"))
	ada.navigate(s.URL + "/r/lobby/501")
	ada.await(`document.activeElement?.matches(".message") && document.activeElement.querySelector(".text").textContent.startsWith("message 500")`)
	if moved := ada.scroll(800, shows("message 999")); moved > 2 {
		t.Errorf("a text in view moved by %.1f px while newer messages were loaded", moved)
	}
	ada.await(atEnd)
	ada.sendMessage("and on")
	ada.await(shows("and on"))

	// A message that is gone: the page says so, also if the room was left elsewhere.
	ada.scroll(-500, shows("message 800 "))
	ada.await(`Object.keys(sessionStorage).some((key) => key.startsWith("chatroom.place"))`)
	ada.navigate(s.URL + "/r/lobby/5000")
	ada.await(`document.querySelector(".absent")?.textContent.includes("deleted")`)
	ada.await(atEnd)
	ada.click(".absent button")
	ada.await(`document.querySelector(".absent") === null`)
}

// A finger that rests on a message opens its menu, which stays open when the finger leaves and lies
// where the finger was.
func TestLongPress(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL, "Ada")
	p.sendMessage("press me")
	p.expectMessages("press me")
	p.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch))
	p.touch(input.DispatchTouchEventTypeTouchStart, `document.querySelector(".message .text")`)
	p.await(`document.querySelector(".message[data-pressed]") !== null`)
	p.touch(input.DispatchTouchEventTypeTouchEnd, "")
	p.await(`document.querySelector(".menu:popover-open") !== null && !document.querySelector("[data-pressed]")`)
	p.run(`[...document.querySelectorAll(".menu button")].find((b) => b.textContent === "Reply").click()`)
	p.await(`document.querySelector(".menu") === null && document.querySelector("#text").placeholder === "Write a reply"`)
}

// touch puts a finger on an element, near its left edge, or for an empty one takes it off.
func (p *tab) touch(kind input.DispatchTouchEventType, element string) {
	p.t.Helper()
	points := []*input.TouchPoint{}
	if element != "" {
		at := evaluate[[]float64](p, `(() => { const box = `+element+`.getBoundingClientRect(); return [box.x + 10, box.y + box.height / 2]; })()`)
		points = append(points, &input.TouchPoint{X: at[0], Y: at[1]})
	}
	_, err := chromedp.Call(p.ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
	harness.Must(p.t, err)
}

func (p *tab) tap(element string) {
	p.t.Helper()
	p.touch(input.DispatchTouchEventTypeTouchStart, element)
	p.touch(input.DispatchTouchEventTypeTouchEnd, "")
}

// Without hover, only the message that was tapped last shows the button of its menu. The tap that makes
// it appear under the finger does not press it.
func TestMenuButtonByTouch(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL, "Ada")
	for _, text := range []string{"one", "two", "three"} {
		p.sendMessage(text)
	}
	p.expectMessages("one", "two", "three")
	p.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch))
	p.run(`document.activeElement.blur()`)
	const shown = `[...document.querySelectorAll(".message")].filter((m) => getComputedStyle(m.querySelector(".toolbar")).opacity === "1").map((m) => m.querySelector(".text").textContent).join()`
	p.await(`matchMedia("(hover: none)").matches && ` + shown + ` === ""`)
	// The button of a message may reach over others: what is tapped is where a message has its own.
	p.run(`{
		const message = %s;
		const [box, more] = [message, message.querySelector(".more")].map((e) => e.getBoundingClientRect());
		const [top, bottom] = [Math.max(box.y, more.y), Math.min(box.bottom, more.bottom)];
		window.place = { getBoundingClientRect: () => ({ x: more.x, y: top, height: bottom - top }) };
		document.addEventListener("click", ({ target }) => { window.clicked = target.closest("button") ? "a button" : "none"; });
	}`, messageThat("two"))
	p.tap(`window.place`)
	p.await(shown + ` === "two" && window.clicked === "none"`)
	p.tap(messageThat("three") + `.querySelector(".text")`)
	p.await(shown + ` === "three"`)
	p.tap(messageThat("three") + `.querySelector(".more")`)
	p.await(`document.querySelector(".menu:popover-open") !== null`)
}

// With reduced motion, what the log changes in its layout is in effect when it measures it: otherwise
// the view jumps when earlier messages are loaded.
func TestPageLaysOutAtOnceWithReducedMotion(t *testing.T) {
	t.Parallel()
	ada := viewer{t: t, tab: newBrowser(t).openSignedIn(t, harness.Start(t).URL, "Ada")}
	ada.setTheme(false) // and reduced motion
	const space = `(() => {
		const list = document.querySelector("[role=log] ol");
		list.getBoundingClientRect();
		list.style.paddingBlockStart = "77px";
		return getComputedStyle(list).paddingBlockStart;
	})()`
	if got := evaluate[string](ada.tab, space); got != "77px" {
		t.Errorf("the space before the messages is %s after it was set to 77px", got)
	}
}

// A quote begins where the text does, however long the name in it is, and by touch, the button of a
// message that is scrolled under the day is covered by it.
func TestLogKeepsItsEdges(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	wide := member(t, s, strings.Repeat("W", 40))
	fill(t, wide, "lobby", 0, 80)
	reply := harness.TextRequest("lobby", "an answer")
	reply.GetMessage().ReplyTo = 78 // a short message
	_, err := wide.Send(harness.Context(t), reply)
	harness.Must(t, err)
	p := b.openSignedIn(t, s.URL, "Ada")
	p.do(chromedp.EmulateViewport(1440, 900))
	p.await(shows("an answer") + ` && document.querySelector("button.quote .words") !== null`)
	const beside = `document.querySelector("button.quote .icon").getBoundingClientRect().left - document.querySelector(".message:has(.quote) .text").getBoundingClientRect().left`
	if pixels := evaluate[float64](p, beside); pixels < -1 || pixels > 1 {
		t.Errorf("the quote begins %.0f pixels beside the text, want 0", pixels)
	}

	p.await(`matchMedia("(hover: none)").matches`)
	p.run(`document.querySelector("[role=log]").scrollTop -= 400`)
	p.await(`document.querySelector(".day-header") !== null`)
	// The button of a message is brought under the day.
	p.run(`{
		const log = document.querySelector("[role=log]");
		const at = (e) => { const { top, height } = e.getBoundingClientRect(); return top + height / 2; };
		window.covered = [...document.querySelectorAll(".toolbar .more")].find((e) => at(e) > log.getBoundingClientRect().top + 100);
		covered.focus({ preventScroll: true });
		log.scrollTop += at(covered) - at(document.querySelector(".day-header"));
	}`)
	p.await(`(() => {
		const { left, top, width, height } = covered.getBoundingClientRect();
		return getComputedStyle(covered.closest(".toolbar")).opacity === "1"
			&& document.elementFromPoint(left + width / 2, top + height / 2)?.closest(".day-header") !== null;
	})()`)
}
