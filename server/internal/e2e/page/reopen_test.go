package page

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// chronicle is a conversation of several weeks, with a day for three messages.
func chronicle(lines int) conversation {
	c := conversation{room: "chronicle", ended: 45 * 24 * time.Hour}
	for i := range lines {
		text := [...]string{"The build is green.", "I have read the notes, and they are fine with me.", "Who reviews the next one?", "I do.", "Merged."}[i%5]
		c.lines = append(c.lines, line{who: townspeople[1+i%3], text: text, after: 7 * time.Hour})
	}
	return c
}

// setMotion sets whether the user prefers reduced motion.
func (v *viewer) setMotion(reduced bool) {
	v.t.Helper()
	motion := &emulation.MediaFeature{Name: "prefers-reduced-motion", Value: "no-preference"}
	if reduced {
		motion.Value = "reduce"
	}
	v.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{motion}})
		return err
	}))
}

// runAtStart runs a script in each document, before its own.
func (p *tab) runAtStart(script string) {
	p.t.Helper()
	p.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

// openAgain opens a room at its end, leaves it, and opens it again when it has 30 more messages.
func (v *viewer) openAgain(room string) {
	v.t.Helper()
	v.visit(room)
	v.await(atEnd + fmt.Sprintf(` && localStorage.getItem("chatroom.seen")?.includes(%q)`, room))
	v.navigate("about:blank")
	fill(v.t, v.town.clients["Grace Hopper"], room, 0, 30)
	v.navigate(v.town.URL + "/r/" + room)
	v.await(isLive)
}

// A room with a history of many days opens again at what is unread, with the user's preference for
// reduced motion and without. From there, nothing in view moves on the way to its beginning.
func TestPageOpensRoomAgain(t *testing.T) {
	t.Parallel()
	for _, reduced := range []bool{false, true} {
		for _, lines := range []int{90, 200} {
			t.Run(fmt.Sprintf("%d lines, reduced motion %t", lines, reduced), func(t *testing.T) {
				t.Parallel()
				v := &viewer{t: t, town: startTown(t, chronicle(lines)), browser: newBrowser(t, mouse), device: desktop, languages: "en"}
				v.open(v.town.URL, true)
				v.setMotion(reduced)
				v.openAgain("chronicle")
				v.await(`document.querySelector(".divider.unread") !== null`)
				v.await(shows("message 0"))
				v.await(`document.querySelector(".to-end") !== null`)
				if moved := v.scroll(-300, logStart+`?.startsWith("This is where")`); moved > 2 {
					t.Errorf("a text in view moved by %.1f px", moved)
				}
			})
		}
	}
}

// lateLayout makes each change of a layout come a frame late, so that the log measures what is not so
// any more. If the log measures without an end in one frame, it stops that, and sets window.endless.
const lateLayout = `
	const late = new CSSStyleSheet();
	late.replaceSync("* { transition: all 0.01ms !important; }");
	document.adoptedStyleSheets.push(late);
	let measured = 0;
	const measure = Element.prototype.getBoundingClientRect;
	Element.prototype.getBoundingClientRect = function () {
		if (++measured > 20_000) {
			window.endless = true;
			throw new Error("the log is measured without an end");
		}
		return measure.call(this);
	};
	window.frames = 0;
	requestAnimationFrame(function frame() {
		measured = 0;
		window.frames++;
		requestAnimationFrame(frame);
	});`

// A layout that the log cannot bring to rest does not stop the page: it is drawn again once in a frame.
func TestPageOutlivesLayoutWithoutRest(t *testing.T) {
	t.Parallel()
	v := &viewer{t: t, town: startTown(t, chronicle(90)), browser: newBrowser(t, mouse), device: desktop, languages: "en"}
	v.open(v.town.URL, true)
	v.runAtStart(lateLayout)
	v.openAgain("chronicle")
	v.await(`window.frames > 120`)
	if evaluate[bool](v.tab, `window.endless === true`) {
		t.Error("the log is drawn without an end in one frame")
	}
	v.sendMessage("still here")
	v.await(`document.querySelector("#text").value === ""`)
}
