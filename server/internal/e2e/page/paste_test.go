package page

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"chatroom/server/internal/e2e/harness"
)

// paste puts a text on the clipboard, presses Ctrl and V in a field, and returns how long it took
// until the page has drawn what it makes of it, in milliseconds.
func (p *tab) paste(field, text string) float64 {
	p.t.Helper()
	p.run(`{
		const source = document.createElement("textarea");
		source.value = %s;
		document.body.append(source);
		source.select();
		document.execCommand("copy");
		source.remove();
		const field = document.querySelector(%q);
		field.focus();
		window.pasted = 0;
		field.addEventListener("keydown", () => {
			const began = performance.now();
			requestAnimationFrame(() => requestAnimationFrame(() => { window.pasted = performance.now() - began; }));
		}, { once: true });
	}`, text, field)
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
		event := input.DispatchKeyEventParams{Type: kind, Modifiers: int64(chromedp.ModifierCtrl), Key: "v", Code: "KeyV", WindowsVirtualKeyCode: 'V'}
		if kind == input.DispatchKeyEventTypeRawKeyDown {
			event.Commands = []string{"paste"}
		}
		_, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, event)
		harness.Must(p.t, err)
	}
	p.await(`window.pasted > 0`)
	return evaluate[float64](p, `window.pasted`)
}

// A megabyte can be pasted: it does not come into the field, where the browser would lay it out for
// seconds. The page says that it is too long, and can insert the beginning. What is only somewhat too
// long comes into the field, and can be cut. The log has how long both take.
func TestComposerTakesAMegabyte(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL, "Ada")
	const note = `document.querySelector(".composer-note")?.textContent ?? ""`
	t.Logf("a megabyte: %.0f ms", p.paste("#text", `"words ".repeat(175_000)`))
	p.await(`(` + note + `).startsWith("This text has about 1,050,000 characters, and a message at most 4,000.")`)
	p.awaitField("")
	p.await(`document.querySelector("#text").clientHeight < 0.1 * innerHeight`)
	p.clickButton("Insert the first 4,000")
	p.await(field + `.length === 4_000 && (` + note + `) === ""`)
	p.await(`!document.querySelector(".send").disabled`)
	p.run(`document.querySelector("#text").select()`)

	t.Logf("30,000 characters: %.0f ms", p.paste("#text", `"words ".repeat(5_000)`))
	p.await(field + `.length === 30_000`)
	p.await(`document.querySelector("#length").textContent.includes("25,999 characters too many. A message has at most 4,000.")`)
	p.await(`document.querySelector(".send").disabled`)
	p.await(`document.querySelector("#text").clientHeight <= 0.4 * innerHeight`)
	p.press("\r")
	p.await(field + `.length === 30_000`)
	p.clickButton("Cut to 4,000")
	p.await(field + `.length === 4_000`)
	p.await(`!document.querySelector(".send").disabled`)

	p.run(`document.activeElement.blur()`)
	p.run(`{
		const data = new DataTransfer();
		data.setData("text/plain", "more ".repeat(200_000));
		document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data }));
	}`)
	p.await(`(` + note + `).startsWith("This text has about 1,000,000 characters")`)
	p.await(field + `.length === 4_000`)
}

// In the edit of a message it is the same: the note is in the form, and what it inserts is in the message
// once the edit is saved.
func TestEditTakesAMegabyte(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL, "Ada")
	p.sendMessage("short")
	p.expectMessages("short")
	const note = `document.querySelector(".edit-form .composer-note")`
	p.press(kb.ArrowUp)
	p.await(`document.activeElement.id === "edit-text"`)
	p.paste("#edit-text", `"words ".repeat(175_000)`)
	p.await(note + `?.textContent.startsWith("This text has about 1,050,000 characters, and a message at most 4,000.")`)
	p.await(`document.querySelector("#edit-text").value === "short" && ` + field + ` === ""`)
	p.clickButton("Close the note")
	p.await(note + ` === null && document.querySelector("#edit-text").value === "short"`)

	p.paste("#edit-text", `"words ".repeat(175_000)`)
	p.await(note + ` !== null`)
	p.run(`document.querySelector("#edit-text").select()`)
	p.clickButton("Insert the first 4,000")
	p.await(note + ` === null && document.querySelector("#edit-text").value.length === 4_000`)
	p.clickButton("Save")
	p.await(`document.querySelector("#edit-text") === null`)
	p.expectMessages(strings.TrimRight(strings.Repeat("words ", 667)[:4_000], " "))
}
