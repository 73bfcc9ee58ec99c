import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Arrival,
  decodeMentions,
  encodeMentions,
  isNotified,
  mentionCount,
  withMention,
  withoutRead,
} from "./notice";

const arrival: Arrival = {
  room: "team",
  title: "Team",
  sequence: 7n,
  sender: "Ada",
  text: "hi",
  mentionsReader: false,
};
const mention = { ...arrival, mentionsReader: true };
const away = { room: "team", looking: false };

test("the setting says what the reader is told of, and a room's level may lower it", () => {
  assert.equal(isNotified(arrival, "all", "all", away), true);
  assert.equal(isNotified(arrival, "mentions", "all", away), false);
  assert.equal(isNotified(mention, "mentions", "all", away), true);
  assert.equal(isNotified(arrival, "all", "mentions", away), false);
  assert.equal(isNotified(mention, "all", "mentions", away), true);
  assert.equal(isNotified(mention, "all", "nothing", away), false);
  assert.equal(isNotified(mention, "off", "all", away), false);
});

test("a reader who looks at the room is not told", () => {
  assert.equal(isNotified(mention, "all", "all", { room: "team", looking: true }), false);
  assert.equal(isNotified(mention, "all", "all", { room: "lobby", looking: true }), true);
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

test("mentions outlive the page, and what is not valid is dropped", () => {
  const mentions = withMention(withMention(new Map(), mention), { ...mention, room: "lobby", sequence: 2n ** 60n });
  assert.deepEqual(decodeMentions(encodeMentions(mentions)), mentions);
  for (const text of [null, "", "[]", "null", '{"a":1}', '{"a":["x"]}']) assert.equal(decodeMentions(text).size, 0);
});
