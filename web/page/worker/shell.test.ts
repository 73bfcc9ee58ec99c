import assert from "node:assert/strict";
import { test } from "node:test";
import { cachePrefix, isOfBuild, kindOf, withBase } from "./shell";

test("only the page and its hashed files are answered", () => {
  const cases: [string, string, string, string][] = [
    ["GET", "navigate", "", "page"],
    ["GET", "navigate", "?room=team", "page"],
    ["GET", "navigate", "r/team", "page"],
    ["GET", "navigate", "r/team/4711?x", "page"],
    ["GET", "navigate", "r/Team", "other"],
    ["GET", "navigate", "r/team/0", "page"],
    ["GET", "navigate", "r/team/", "other"],
    ["GET", "navigate", "r/team/1/2", "other"],
    ["GET", "navigate", "signin/callback?code=1", "other"],
    ["GET", "navigate", "assets/app-1.js", "other"],
    ["GET", "navigate", "healthz", "other"],
    ["POST", "navigate", "", "other"],
    ["GET", "no-cors", "assets/style-1.css", "file"],
    ["GET", "cors", "assets/app-1.js", "file"],
    ["GET", "cors", "", "other"],
    ["GET", "cors", "chat.v1.ChatRoom/ListRooms?connect=v1", "other"],
    ["POST", "cors", "chat.v1.ChatRoom/Send", "other"],
    ["POST", "cors", "assets/app-1.js", "other"],
    ["GET", "cors", "icon.svg", "other"],
  ];
  for (const base of [new URL("https://chat.example/"), new URL("http://localhost:8080/apps/chat/")]) {
    for (const [method, mode, path, want] of cases) {
      assert.equal(kindOf({ method, mode, url: base.href + path }, base), want, `${method} ${path} ${mode}`);
    }
  }
  const base = new URL("https://example.com/chat/");
  const elsewhere = ["https://example.com/", "https://example.com/chat", "https://other.example/chat/"];
  for (const url of elsewhere) assert.equal(kindOf({ method: "GET", mode: "navigate", url }, base), "other", url);
});

test("a page at a path of an origin has caches of its own", () => {
  const [root, chat] = [cachePrefix(new URL("https://a.example/")), cachePrefix(new URL("https://a.example/chat/"))];
  assert.equal(chat.startsWith(root), false);
  assert.equal(root.startsWith(chat), false);
});

test("index.html of another build is not kept, and the one of this build fits every address", () => {
  const html = '<base href="./"><script type="module" src="assets/app-1.js"></script>';
  assert.equal(isOfBuild(html, { id: "", files: ["assets/app-1.js"] }), true);
  assert.equal(isOfBuild(html, { id: "", files: ["assets/app-2.js"] }), false);
  assert.match(withBase(html, new URL("https://a.example/a&copy/$&/")), /^<base href="\/a&amp;copy\/\$&amp;\/">/);
});
