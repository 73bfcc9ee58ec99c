import assert from "node:assert/strict";
import { test } from "node:test";
import { storageKey } from "./storage-key";

test("services at different paths of an origin keep things under different names", () => {
  const cases: [string | null, string][] = [
    [null, "chatroom.draft"],
    ["https://example.com/", "chatroom.draft"],
    ["https://example.com/chat/", "chatroom.draft /chat/"],
    ["https://example.com/chat/two/", "chatroom.draft /chat/two/"],
  ];
  for (const [base, want] of cases) assert.equal(storageKey("chatroom.draft", base), want, String(base));
});
