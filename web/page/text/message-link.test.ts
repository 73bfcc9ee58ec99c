import assert from "node:assert/strict";
import { test } from "node:test";
import { loadLinkFinder } from "./links";
import { messageTarget } from "./message-link";

await loadLinkFinder();

test("links to messages and rooms of this service are recognized, below its path only", () => {
  const base = "https://x.example/chat/";
  assert.deepEqual(messageTarget("https://x.example/chat/r/team/4711", base), { room: "team", sequence: 4711n });
  assert.deepEqual(messageTarget("https://x.example/chat/r/team", base), { room: "team", sequence: 0n });
  for (const other of [
    "https://x.example/r/team/4711",
    "https://y.example/chat/r/team/4711",
    "http://x.example/chat/r/team/4711",
    "https://x.example/chat/r/no%20room",
    "https://x.example/chat/",
    "mailto:a@x.example",
  ]) {
    assert.equal(messageTarget(other, base), null, other);
  }
});
