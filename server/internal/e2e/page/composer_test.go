package page

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"chatroom/server/internal/e2e/harness"
)

// field is the text in the composer.
const field = `document.querySelector("#text")?.value`

// press presses keys in what has the focus.
func (p *tab) press(keys string, modifiers ...chromedp.Modifier) {
	p.t.Helper()
	for _, key := range keys {
		switch string(key) {
		case "\r", kb.Tab:
			p.pressWhole(string(key))
		default:
			p.do(chromedp.KeyEvent(string(key), chromedp.KeyModifiers(modifiers...)))
		}
	}
}

// pressWhole presses a key as browsers do. chromedp sends its character apart from the
// key, and the browser inserts it although the page has prevented that.
func (p *tab) pressWhole(key string) {
	p.t.Helper()
	for _, k := range kb.Encode([]rune(key)[0]) {
		switch k.Type {
		case kb.KeyDown:
			k.Text = map[string]string{"\r": "\r"}[key]
		case kb.KeyChar:
			continue
		}
		if _, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, *k); err != nil {
			p.t.Fatalf("the page of %s: %v", p.name, err)
		}
	}
}

func (p *tab) awaitField(want string) {
	p.t.Helper()
	p.await(fmt.Sprintf(field+` === %q`, want))
}

// clickButton clicks the button with a label.
func (p *tab) clickButton(label string) {
	p.t.Helper()
	found := fmt.Sprintf(`[...document.querySelectorAll("button")].find((b) => (b.getAttribute("aria-label") ?? b.textContent) === %q)`, label)
	p.await(found + ` !== undefined`)
	p.run("%s", found+`.click()`)
}

// Names, emoji and commands are completed by the keys and by a click, formats are put
// around the selection, and undo takes each of these back.
func TestComposerCompletesAndFormats(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	bob, ada := b.openSignedIn(t, s.URL, "Bob"), b.openSignedIn(t, s.URL, "Ada")
	bob.sendMessage("here")
	ada.expectMessages("here")

	active := `document.getElementById(document.querySelector("#text").getAttribute("aria-activedescendant"))`
	ada.press("hi @b")
	ada.await(active + `?.textContent === "Bob"`)
	ada.await(`document.querySelectorAll("[role=option]").length === 1`)
	ada.press(kb.Enter)
	ada.awaitField("hi @Bob ")
	ada.await(`document.querySelector("[role=listbox]") === null`)
	ada.press("z", chromedp.ModifierCtrl)
	ada.awaitField("hi @b")
	ada.press(kb.End + "o") // what came back is selected
	ada.await(`document.querySelector("[role=option]")?.textContent === "Bob"`)
	ada.press(kb.Escape)
	ada.await(`document.querySelector("[role=listbox]") === null`)
	ada.press("b ")
	ada.press(":tada")
	ada.await(active + `?.textContent.includes("🎉")`)
	ada.press(kb.Tab)
	ada.awaitField("hi @bob 🎉 ")
	ada.press(":dogs")
	ada.press(kb.Backspace)
	ada.await(`document.querySelector("[role=option]")?.textContent.includes("🐶")`)
	ada.do(chromedp.Click(chromedp.CSS("[role=option]")))
	ada.awaitField("hi @bob 🎉 🐶 ")
	ada.press("\r")
	ada.expectMessages("here", "hi @bob 🎉 🐶")

	ada.press("some words")
	ada.run(`document.querySelector("#text").setSelectionRange(5, 10)`)
	ada.press("b", chromedp.ModifierCtrl)
	ada.awaitField("some **words**")
	ada.await(`document.querySelector("#text").selectionStart === 7 && document.querySelector("#text").selectionEnd === 12`)
	ada.press("z", chromedp.ModifierCtrl)
	ada.awaitField("some words")
	ada.run(`document.querySelector("#text").setSelectionRange(5, 10)`)
	ada.press("i", chromedp.ModifierCtrl)
	ada.awaitField("some _words_")
	ada.press("X", chromedp.ModifierCtrl, chromedp.ModifierShift)
	ada.awaitField("some _~~words~~_")
	ada.press("X", chromedp.ModifierCtrl, chromedp.ModifierShift)
	ada.awaitField("some _words_")
}

// Unsent words outlive a reload, other tabs have them too, and they end when they are sent.
func TestComposerKeepsDrafts(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	one := b.open(t, s.URL, "the first tab")
	one.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada\r"), chromedp.WaitVisible(chromedp.CSS("#text")))
	one.sendMessage("stored")
	one.expectMessages("stored")
	one.press("unsent words")
	one.reload()
	one.await(`document.querySelector("#text") !== null`)
	one.awaitField("unsent words")
	one.run(`document.activeElement.blur()`)

	two := b.open(t, s.URL, "the second tab")
	two.await(`document.querySelector("#text") !== null`)
	two.awaitField("unsent words")
	two.do(chromedp.SendKeys(chromedp.CSS("#text"), kb.End+", and more"))
	one.awaitField("unsent words, and more")
	two.press("\r")
	two.expectMessages("stored", "unsent words, and more")
	one.awaitField("")

	// What is being typed in one tab is not replaced by what the other one stores.
	one.press("in the first")
	one.awaitField("in the first")
	two.awaitField("in the first")
	one.run(`document.querySelector("#text").focus()`)
	two.press(" and in the second")
	two.await(`localStorage.getItem("chatroom.draft.lobby").includes("and in the second")`)
	if got := evaluate[string](one, field); got != "in the first" {
		t.Errorf("the first tab has %q, want what is typed there", got)
	}
	one.press("\r")
	one.expectMessages("stored", "unsent words, and more", "in the first")
}

// A message is edited in its place. An edit outlives a reload, and its words are kept
// when the message is deleted elsewhere.
func TestComposerEditsInPlace(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	one := b.open(t, s.URL, "the first tab")
	one.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada\r"), chromedp.WaitVisible(chromedp.CSS("#text")))
	one.sendMessage("first")
	one.sendMessage("second")
	one.expectMessages("first", "second")
	one.press(kb.ArrowUp)
	one.await(`document.activeElement.id === "edit-text" && document.activeElement.value === "second"`)
	one.await(`document.querySelector(".message[data-editing=true] .edit-form") !== null`)
	one.press(kb.Escape)
	one.await(`document.activeElement.id === "text" && document.querySelector("#edit-text") === null`)
	one.press(kb.ArrowUp)
	one.await(`document.activeElement.id === "edit-text"`)
	one.press(" thought")
	one.reload()
	one.await(`document.querySelector("#edit-text")?.value === "second thought"`)
	one.run(`document.querySelector("#edit-text").focus()`)
	one.press("\r")
	one.await(`document.activeElement.id === "text"`)
	one.expectMessages("first", "second thought")

	one.choose("first", "Edit")
	one.await(`document.activeElement.id === "edit-text"`)
	one.press(", but longer")
	two := b.open(t, s.URL, "the second tab")
	two.await(`document.querySelector("#edit-text")?.value === "first, but longer"`)
	two.run(`[...document.querySelectorAll(".message")].find((m) => m.querySelector("#edit-text")).querySelector(".more").click()`)
	two.clickButton("Delete…")
	two.clickButton("Delete")
	one.expectMessages("second thought")
	one.awaitField("first, but longer")
	one.await(`document.querySelector(".composer-note")?.textContent.includes("was deleted")`)
}

// Without a keyboard, Enter begins a new line, and the button sends.
func TestComposerOnAPhone(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL, "Ada")
	p.do(chromedp.EmulateViewport(360, 740, chromedp.EmulateMobile, chromedp.EmulateTouch))
	p.await(`document.querySelector("#text").enterKeyHint === "enter"`)
	p.run(`document.querySelector("#text").focus()`)
	p.press("one\rtwo")
	p.awaitField("one\ntwo")
	p.clickButton("Send")
	p.expectMessages("one\ntwo")
	p.awaitField("")
}

// A file that is dropped or pasted never leaves the page: a text can be inserted, and for
// others the page says what can be done.
func TestComposerTakesFiles(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL, "Ada")
	p.run(`window.drop = (type, target, ...items) => {
		const data = new DataTransfer();
		for (const item of items) typeof item === "string" ? data.setData("text/plain", item) : data.items.add(item);
		const init = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
		const event = type === "paste" ? new ClipboardEvent(type, init) : new DragEvent(type, init);
		document.querySelector(target).dispatchEvent(event);
		return event.defaultPrevented;
	}; window.image = new File(["x"], "x.png", { type: "image/png" });
	window.script = new File(["print(1)\n"], "x.py", { type: "" });`)
	if !evaluate[bool](p, `drop("dragover", "[role=log]", image)`) {
		t.Error("the browser would open a file that is dropped")
	}
	p.await(`document.querySelector(".drop-zone") !== null`)
	if !evaluate[bool](p, `drop("drop", "[role=log]", image)`) {
		t.Error("the browser opens a file that is dropped")
	}
	const note = `document.querySelector(".composer-note")?.textContent`
	p.await(`document.querySelector(".drop-zone") === null && ` + note + `.startsWith("This file can’t be sent here.")`)
	p.clickButton("Close the note")
	p.await(note + ` === undefined`)
	p.run(`drop("paste", "#text", image)`)
	p.await(note + `?.startsWith("This file can’t be sent here.")`)
	p.run(`drop("drop", "[role=log]", image, script)`)
	p.await(note + `?.includes("Put them online")`)
	p.run(`drop("drop", "[role=log]", new File(["\n"], "empty.txt", { type: "text/plain" }))`)
	p.await(note + `?.startsWith("This file can’t be sent here.")`)
	p.run(`drop("drop", "[role=log]", script)`)
	p.await(note + `?.includes("the text of x.py can")`)
	p.clickButton("Insert as code block")
	p.awaitField("```py\nprint(1)\n```")
	p.run(`drop("drop", "[role=log]", " and a dropped text")`)
	p.awaitField("```py\nprint(1)\n``` and a dropped text")
}

// A message that begins with a slash is a command, or is asked about.
func TestComposerCommands(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL+"/r/tea", "Ada") // who creates a room may set its topic
	p.sendMessage("/foo bar")
	p.await(`document.querySelector(".composer-note")?.textContent.includes("There is no command /foo.")`)
	p.awaitField("/foo bar")
	p.clickButton("Send as message")
	p.expectMessages("/foo bar")
	p.sendMessage("/etc/hosts is a file")
	p.sendMessage("//me")
	p.sendMessage("/me waves")
	p.expectMessages("/foo bar", "/etc/hosts is a file", "/me", "waves")
	p.press("/to")
	p.await(`document.querySelector("[role=option]")?.textContent.startsWith("/topic")`)
	p.press("\r")
	p.awaitField("/topic ")
	p.press("Earl Grey\r")
	p.await(`document.querySelector(".topic")?.textContent === "Earl Grey"`)
	p.sendMessage("/nick Ada Lovelace")
	p.await(`JSON.parse(localStorage.getItem("chatroom.identity")).member.name === "Ada Lovelace"`)
	p.sendMessage("/help")
	p.await(`document.querySelector("dialog[open]")?.textContent.includes("Shift+Enter")`)
}

// What is typed while nothing has the focus goes to the composer.
func TestTypingElsewhereReachesTheComposer(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL, "Ada")
	p.run(`document.activeElement.blur()`)
	p.press("words")
	p.awaitField("words")
	p.run(`document.querySelector("[role=log]").focus()`)
	p.press("c", chromedp.ModifierCtrl)
	p.await(`document.activeElement.id !== "text"`)
	p.press("!")
	p.awaitField("words!")
	p.run(`document.activeElement.blur()`)
	p.run(`{
		const data = new DataTransfer();
		data.setData("text/plain", " pasted");
		document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData: data }));
	}`)
	p.awaitField("words! pasted")
}

// Closing the page asks first only if words would be lost.
func TestClosingAsksForWordsThatCannotBeKept(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	p := b.openSignedIn(t, s.URL, "Ada")
	asked := make(chan page.DialogType, 4)
	harness.Must(t, chromedp.Listen(p.ctx, func(event any) {
		if dialog, ok := event.(*page.EventJavascriptDialogOpening); ok {
			asked <- dialog.Type
		}
	}))
	p.press("words that are kept")
	p.reload()
	p.await(`document.querySelector("#text") !== null`)
	p.awaitField("words that are kept")
	select {
	case kind := <-asked:
		t.Fatalf("the page asks with a dialog of type %q, although the words are kept", kind)
	default:
	}

	p.do(chromedp.Click(chromedp.CSS("#text")))
	for range 3 {
		p.run(`document.execCommand("insertText", false, "words ".repeat(5_000))`)
	}
	p.press("!")
	p.await(field + `.endsWith("!")`)
	p.run(`setTimeout(() => location.reload())`)
	select {
	case kind := <-asked:
		if kind != page.DialogTypeBeforeunload {
			t.Errorf("the page asks with a dialog of type %q, want beforeunload", kind)
		}
	case <-time.After(time.Minute):
		t.Fatal("the page does not ask before it is closed")
	}
	_, err := chromedp.Call(p.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: false})
	harness.Must(t, err)
	p.await(field + `.endsWith("!")`)
}
