import assert from "node:assert/strict";
import { test } from "node:test";
import { type Arrival, isNotified, mentionCount, withMention, withoutRead } from "./notice";

const arrival: Arrival = { room: "team", sequence: 7n, sender: "Ada", text: "hi", mentionsReader: false };
const mention = { ...arrival, mentionsReader: true };
const away = { room: "team", looking: false };

test("a room's level says what the reader is told of", () => {
  assert.equal(isNotified(arrival, "all", away), true);
  assert.equal(isNotified(arrival, "mentions", away), false);
  assert.equal(isNotified(mention, "mentions", away), true);
  assert.equal(isNotified(mention, "nothing", away), false);
});

test("a reader who looks at the room is not told", () => {
  assert.equal(isNotified(mention, "all", { room: "team", looking: true }), false);
  assert.equal(isNotified(mention, "all", { room: "lobby", looking: true }), true);
});

test("mentions are counted once, until they are read", () => {
  let mentions = withMention(new Map(), mention);
  mentions = withMention(mentions, mention);
  mentions = withMention(mentions, { ...mention, sequence: 9n });
  mentions = withMention(mentions, { ...mention, room: "lobby" });
  assert.equal(mentionCount(mentions), 3);
  assert.deepEqual(withoutRead(mentions, "team", 7n).get("team"), [9n]);
  assert.equal(withoutRead(mentions, "team", 9n).has("team"), false);
  assert.equal(withoutRead(mentions, "other", 9n), mentions);
});

test("a hundred mentions of a room are kept", () => {
  let mentions = new Map() as ReturnType<typeof withMention>;
  for (let i = 1n; i <= 150n; i++) mentions = withMention(mentions, { ...mention, sequence: i });
  assert.equal(mentionCount(mentions), 100);
  assert.equal(mentions.get("team")?.at(-1), 150n);
});
