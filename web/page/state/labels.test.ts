import assert from "node:assert/strict";
import { test } from "node:test";
import { unknownPresence } from "../../client/state/presence";
import { memberCount, nameList, roomCount, unreadBadge } from "./labels";

Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US"] }, configurable: true });

test("names are joined into a sentence", () => {
  assert.deepEqual(
    [nameList(["a"], 0), nameList(["a", "b"], 0), nameList(["a", "b"], 1), nameList(["a"], 5), nameList([], 3)],
    ["a", "a and b", "a, b and 1 other", "a and 5 others", "3 people"],
  );
});

test("a number of rooms says whether there are more", () => {
  assert.deepEqual([roomCount(7, false), roomCount(1_000, true)], ["7", "1,000+"]);
});

test("the number of members is not shown before it is known", () => {
  const self = { id: "1", name: "Ada" };
  assert.deepEqual(
    [memberCount(unknownPresence), memberCount({ ...unknownPresence, count: 1_000, self })],
    ["", "1,000"],
  );
});

test("a badge shows up to 100 unread messages", () => {
  assert.deepEqual([0, 1, 99, 100].map(unreadBadge), ["", "1", "99", "100+"]);
});
