import assert from "node:assert/strict";
import { test } from "node:test";
import { roomNameProblem, roomSlug } from "./room-name";

test("a name is made of what is typed", () => {
  const names = ["Tea time", " #Café ", "a/b  c", "ｔｅａ", "x_1.y", "お茶"].map(roomSlug);
  assert.deepEqual(names, ["tea-time", "cafe", "a-b-c", "tea", "x_1.y", "お茶"]);
});

test("a name that is not valid has a reason", () => {
  const problems = ["", "tea-time", "お茶", "a!", "a".repeat(64), "a".repeat(65)].map(roomNameProblem);
  assert.deepEqual(problems, ["empty", null, "characters", "characters", null, "long"]);
});
