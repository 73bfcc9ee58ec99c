import assert from "node:assert/strict";
import { test } from "node:test";
import { splitLinks } from "./linked-text";

/** The parts as shown, links in brackets. */
function marked(text: string): string {
  return splitLinks(text)
    .map((part) => (typeof part === "string" ? part : `[${part.shown}]`))
    .join("");
}

test("http and https URLs become links", () => {
  const cases: [string, string][] = [
    ["no link", "no link"],
    ["see https://go.dev", "see [https://go.dev]"],
    ["https://a.example/x?y=1#z and http://b.example", "[https://a.example/x?y=1#z] and [http://b.example]"],
    ["is it https://go.dev? Yes: https://go.dev/doc.", "is it [https://go.dev]? Yes: [https://go.dev/doc]."],
    ["(https://go.dev)", "([https://go.dev])"],
    ["https://en.example/Go_(game)", "[https://en.example/Go_(game)]"],
    ["<https://go.dev>", "<[https://go.dev]>"],
    ["https://münchen.example/straße", "[https://münchen.example/straße]"],
    ["HTTPS://GO.DEV", "[HTTPS://GO.DEV]"],
  ];
  for (const [text, want] of cases) assert.equal(marked(text), want);
});

test("other schemes do not become links", () => {
  for (const text of [
    "javascript:alert(1)",
    "data:text/html,x",
    "ftp://go.dev",
    "https://",
    "http://?",
    "go.dev",
    "file:///etc/passwd",
  ]) {
    assert.deepEqual(splitLinks(text), [text]);
  }
});

test("the parts are the whole text", () => {
  const texts = [
    "a https://x.example/. b\nhttps://y.example!! c",
    "https://x.example/<script>alert(1)</script>",
    'https://x.example/"onclick="x',
  ];
  for (const text of texts) {
    assert.equal(
      splitLinks(text)
        .map((part) => (typeof part === "string" ? part : part.shown))
        .join(""),
      text,
    );
    for (const part of splitLinks(text))
      if (typeof part !== "string") assert.match(part.href, /^https:\/\/[xy]\.example\//);
  }
});
