package page

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// What a message looks like: its elements, without what only styles need.
func TestPageShowsMarkdown(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	v := harness.ConnectOver(harness.H2CClient)(t, s, "")
	cases := []struct{ text, want string }{
		{"**a** *b* ~~c~~ `d`", `<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>`},
		{"one\ntwo", "<p>one\ntwo</p>"},
		{"# 2*3*4 snake_case ¯\\_(ツ)_/¯ :-)", `<p># 2*3*4 snake_case ¯\_(ツ)_/¯ :-)</p>`},
		{"> a\n> > b", `<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>`},
		{"- a\n  - b", `<ul><li>a<ul><li>b</li></ul></li></ul>`},
		{"2. a\n3. b", `<ol><li value="2">a</li><li value="3">b</li></ol>`},
		{"[Go](https://go.dev)", `<p><a href="https://go.dev/" target="_blank" rel="noopener noreferrer">Go</a></p>`},
		{"see www.example.com.", `<p>see <a href="https://www.example.com/" target="_blank" rel="noopener noreferrer"><bdi>www.example.com</bdi></a>.</p>`},
		{"https://bank.example@evil.example/", `<p><a href="https://bank.example@evil.example/" target="_blank" rel="noopener noreferrer"><bdi>https://bank.example@evil.example/</bdi></a><span> (<bdi>evil.example</bdi>)</span></p>`},
		{"@ada and @room, a@Ada", `<p><bdi data-self="true">@ada</bdi> and @room, a@Ada</p>`},
		{"🎉👍🏽", `<p>🎉👍🏽</p>`},
	}
	p := b.openSignedIn(t, s.URL, "Ada")
	for i, c := range cases {
		_, err := v.Send(ctx, harness.TextRequest("lobby", c.text))
		harness.Must(t, err)
		p.await(fmt.Sprintf(`document.querySelectorAll("[role=log] .message").length === %d`, i+1))
		p.awaitNewestText(c.text, c.want)
	}
	p.await(`document.querySelectorAll("[role=log] .text[data-large]").length === 1`)
	p.await(`document.querySelectorAll("[role=log] .message[data-mentions-self]").length === 1`)
}

// awaitNewestText waits until the newest message's text is shown as this HTML, without the attributes
// that only styles and tooltips need. It may change once: what finds links is loaded when it is needed.
func (p *tab) awaitNewestText(text, want string) {
	p.t.Helper()
	const shown = `(() => {
		const copy = [...document.querySelectorAll("[role=log] .text")].at(-1).cloneNode(true);
		for (const e of copy.querySelectorAll("*")) for (const name of ["class", "dir", "title"]) e.removeAttribute(name);
		return copy.innerHTML;
	})()`
	wanted, err := json.Marshal(want)
	harness.Must(p.t, err)
	poll := chromedp.Poll[bool](shown+" === "+string(wanted), chromedp.WithPollingTimeout(awaitTimeout()))
	if _, err := chromedp.Run(p.ctx, poll); err == nil {
		return
	}
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](shown))
	harness.Must(p.t, err)
	p.t.Fatalf("%q is shown as\n%s, want\n%s", text, got, want)
}

// Whatever a message contains, it runs no script, loads nothing and links to web pages and mail only.
func TestPageRunsNothingOfAMessage(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	v := harness.ConnectOver(harness.H2CClient)(t, s, "")
	p := b.openSignedIn(t, s.URL, "Ada")
	const attack = "window.attacked=1"
	texts := []string{
		"<img src=x onerror=" + attack + ">",
		"<script>" + attack + "</script><svg onload=" + attack + ">",
		"[x](javascript:" + attack + ")",
		"[x](JAVASCRIPT:" + attack + ")",
		"[x](\u0001javascript:" + attack + ")",
		"[x](java\nscript:" + attack + ")",
		"[x](data:text/html,<script>" + attack + "</script>)",
		"[x](vbscript:x) [y](file:///etc/passwd) [z](blob:https://x.example/1)",
		"javascript:" + attack + " data:text/html,x",
		`[x](https://x.example/"onclick="` + attack + `)`,
		`https://x.example/"onmouseover="` + attack,
		"```html\"onclick=\n<img src=x onerror=" + attack + ">\n```",
		"`<img src=x onerror=" + attack + ">`",
		"![x](https://x.example/pixel.png)",
		"@<b>room</b> **<i>x</i>** [<u>x</u>](https://x.example)",
	}
	sent := 0
	for _, text := range texts {
		if _, err := v.Send(ctx, harness.TextRequest("lobby", text)); err == nil { // some are refused for their characters
			sent++
		}
	}
	if sent < len(texts)-1 {
		t.Fatalf("%d of %d texts were stored", sent, len(texts))
	}
	p.await(fmt.Sprintf(`document.querySelectorAll("[role=log] .message").length === %d`, sent))
	p.run(`for (const e of document.querySelectorAll("[role=log] .text *")) e.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }))`)
	const faults = `(() => {
		const elements = [...document.querySelectorAll("[role=log] .text *")];
		const known = /^(P|STRONG|EM|S|CODE|PRE|A|BDI|SPAN|DIV|BUTTON|svg|path|rect)$/;
		return [
			...elements.filter((e) => !known.test(e.tagName)).map((e) => e.outerHTML),
			...elements.filter((e) => e.getAttributeNames().some((name) => name.startsWith("on"))).map((e) => e.outerHTML),
			...elements.filter((e) => e.tagName === "A" && !/^https:\/\/x\.example\//.test(e.href)).map((e) => e.outerHTML),
			...(window.attacked ? ["a script has run"] : []),
		].join("\n");
	})()`
	found, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](faults))
	harness.Must(t, err)
	if found != "" {
		t.Errorf("the messages have made:\n%s", found)
	}
}

// Code has colours, and a button that copies it as it was written.
func TestPageCopiesCode(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	v := harness.ConnectOver(harness.H2CClient)(t, s, "")
	const code = "func main() {\n\treturn \"<b>\"\n}"
	_, err := v.Send(ctx, harness.TextRequest("lobby", "see:\n```go\n"+code+"\n```"))
	harness.Must(t, err)
	p := b.openSignedIn(t, s.URL, "Ada")
	p.await(`document.querySelector("[data-token=kwd]")?.textContent === "func"`)
	if got := p.text(`.code-block code`); got != code {
		t.Errorf("the code is %q, want %q", got, code)
	}
	// Headless Chromium has no clipboard to read: what is copied is seen in the event.
	p.run(`document.addEventListener("copy", () => { window.copied = document.activeElement.value; });
		Object.defineProperty(navigator, "clipboard", { value: undefined });
		document.querySelector(".copy-code").click()`)
	p.await(fmt.Sprintf(`window.copied === %q`, code))
	p.await(`document.querySelector(".copy-code").dataset.copied !== undefined`)
}

// text returns the text of the first element that a selector names.
func (p *tab) text(selector string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q).textContent`, selector)))
	harness.Must(p.t, err)
	return text
}

// A link to a message of the service opens in the page.
func TestPageOpensLinkedMessage(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	v := harness.ConnectOver(harness.H2CClient)(t, s, "")
	_, err := v.Send(ctx, harness.TextRequest("team", "the linked one"))
	harness.Must(t, err)
	_, err = v.Send(ctx, harness.TextRequest("lobby", strings.TrimSuffix(s.URL, "/")+"/r/team/1"))
	harness.Must(t, err)
	p := b.openSignedIn(t, s.URL, "Ada")
	p.await(`document.querySelector(".message-link")?.textContent === "#team › message"`)
	p.run(`window.stays = true; document.querySelector(".message-link").click()`)
	p.await(`location.pathname === "/r/team/1" && document.querySelector(".text")?.textContent === "the linked one" && window.stays`)
}

// Of folded messages of thousands of parts only the beginning is drawn, and all of one that is unfolded.
func TestPageDrawsTheBeginningOfFoldedMessages(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	v := member(t, s, "grace")
	for i := range 30 {
		request := harness.TextRequest("lobby", strings.Repeat("1. a\n  - b\n", 300))
		request.Id = fmt.Sprint("list", i)
		_, err := v.Send(harness.Context(t), request)
		harness.Must(t, err)
	}
	p := b.openSignedIn(t, s.URL, "Ada")
	p.await(`document.querySelector(".message:last-child .unfold") !== null`)
	if n := evaluate[int](p, `document.querySelectorAll(".message:last-child .text li").length`); n > 200 {
		t.Errorf("a folded message has %d items, want at most 200", n)
	}
	p.run(`document.querySelector(".message:last-child .unfold").click()`)
	p.await(`document.querySelectorAll(".message:last-child .text li").length === 600`)
}
