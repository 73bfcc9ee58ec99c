import assert from "node:assert/strict";
import { test } from "node:test";
import { findLinks, loadLinkFinder } from "./links";

await loadLinkFinder();

/** A text with its links in brackets. */
function marked(text: string): string {
  let out = "";
  let at = 0;
  for (const { start, end } of findLinks(text)) {
    out += `${text.slice(at, start)}[${text.slice(start, end)}]`;
    at = end;
  }
  return out + text.slice(at);
}

const only = (text: string) => findLinks(text)[0]!;

test("http and https URLs become links, up to where a reader would say", () => {
  const cases: [string, string][] = [
    ["no link", "no link"],
    ["see https://go.dev", "see [https://go.dev]"],
    ["https://a.example/x?y=1#z and http://b.example", "[https://a.example/x?y=1#z] and [http://b.example]"],
    ["is it https://go.dev? Yes: https://go.dev/doc.", "is it [https://go.dev]? Yes: [https://go.dev/doc]."],
    ["(https://go.dev)", "([https://go.dev])"],
    ["https://en.example/Go_(game)", "[https://en.example/Go_(game)]"],
    ["(see https://en.wikipedia.org/wiki/Foo_(bar))", "(see [https://en.wikipedia.org/wiki/Foo_(bar)])"],
    ["打开https://example.com/a，然后", "打开[https://example.com/a]，然后"],
    ["「https://example.com/a」", "「[https://example.com/a]」"],
    ["https://example.comを見て", "[https://example.com]を見て"],
    ["https://example.com/aを見て", "[https://example.com/a]を見て"],
    ["https://ja.wikipedia.org/wiki/日本", "[https://ja.wikipedia.org/wiki/日本]"],
    ["<https://go.dev>", "<[https://go.dev]>"],
    ["**https://go.dev/a**", "**[https://go.dev/a]**"],
    ["https://münchen.example/straße", "[https://münchen.example/straße]"],
    ["HTTPS://GO.DEV", "[HTTPS://GO.DEV]"],
    ["http://localhost:8080/x", "[http://localhost:8080/x]"],
    ["https://web.example/2020/https://a.example/", "[https://web.example/2020/https://a.example/]"],
    ["www.example.com/a, wwww.x and www.x", "[www.example.com/a], wwww.x and www.x"],
    ["mail ada@example.com.", "mail [ada@example.com]."],
  ];
  for (const [text, want] of cases) assert.equal(marked(text), want);
});

test("other schemes and names do not become links", () => {
  const texts = [
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://go.dev",
    "//go.dev",
    "https://",
    "http://?",
    "go.dev",
    "file:///etc/passwd",
    "@Ada",
  ];
  for (const text of texts) assert.deepEqual(findLinks(text), [], text);
});

test("a link leads where its text says", () => {
  assert.equal(only("www.example.com").href, "https://www.example.com/");
  assert.equal(only("ada@example.com").href, "mailto:ada@example.com");
  for (const text of ["https://x.example/<script>alert(1)</script>", 'https://x.example/"onclick="x']) {
    assert.match(only(text).href, /^https:\/\/x\.example\//);
  }
});

test("a URL with a user is shown whole, with the host that it leads to", () => {
  const text = `https://paypal.com@evil.example/${"a".repeat(100)}`;
  assert.deepEqual(findLinks(text), [
    { start: 0, end: text.length, href: text, shown: text, realHost: "evil.example" },
  ]);
});

test("a host with letters that look like others is shown as it is looked up", () => {
  assert.equal(only("https://раураl.example/").realHost, "xn--l-7sba6dbr.example");
  assert.equal(only("https://paypaı.com/").realHost, "xn--paypa-r4a.com");
  for (const text of [
    "https://münchen.example/",
    "https://日本語.jp/",
    "https://xn--80ak6aa92e.com/",
    "https://go.dev/",
  ]) {
    assert.equal(only(text).realHost, null, text);
  }
});

test("long URLs are shortened in the middle, but never the host", () => {
  const { shown, href } = only(`https://example.com/${"a".repeat(300)}/end.html`);
  assert.equal(shown.length, 72);
  assert.match(shown, /^https:\/\/example\.com\/a+…a+\/end\.html$/);
  assert.ok(href.length > 300);
  const host = `${"paypal.com.".repeat(4)}evil.example`;
  assert.ok(only(`https://${host}/${"a".repeat(100)}`).shown.includes(host));
});

test("invisible characters in a URL are shown encoded", () => {
  assert.ok(only("https://evil.example/\u202emoc.elgoog").shown.includes("%E2%80%AE"));
});
