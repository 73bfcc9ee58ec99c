import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenTone, type Keep, keepRecentEmoji, keepTone, recentEmoji } from "./recent";

function memory(): Keep {
  const kept = new Map<string, string>();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
}

test("the newest emoji come first, each once, and a bounded number", () => {
  const keep = memory();
  assert.deepEqual(recentEmoji(keep), []);
  for (const emoji of ["👍", "🎉", "👍"]) keepRecentEmoji(keep, emoji);
  assert.deepEqual(recentEmoji(keep), ["👍", "🎉"]);
  for (let i = 0; i < 100; i++) keepRecentEmoji(keep, `${i}`);
  assert.equal(recentEmoji(keep).length, 24);
  assert.equal(recentEmoji(keep)[0], "99");
});

test("the skin tone is kept", () => {
  const keep = memory();
  assert.equal(chosenTone(keep), null);
  keepTone(keep, "🏽");
  assert.equal(chosenTone(keep), "🏽");
  keepTone(keep, null);
  assert.equal(chosenTone(keep), null);
});

test("what others wrote, and storage that fails, count as nothing", () => {
  for (const text of ["{", "{}", "7", '["👍", 7]']) {
    assert.ok(recentEmoji({ getItem: () => text, setItem: () => {} }).every((emoji) => emoji === "👍"));
    assert.equal(chosenTone({ getItem: () => text, setItem: () => {} }), null);
  }
  const fail = () => {
    throw new Error("denied");
  };
  const broken: Keep = { getItem: fail, setItem: fail };
  assert.deepEqual(recentEmoji(broken), []);
  assert.equal(chosenTone(broken), null);
  keepRecentEmoji(broken, "👍");
  keepTone(broken, "🏽");
});
