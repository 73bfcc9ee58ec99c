import assert from "node:assert/strict";
import { test } from "node:test";
import { matchesKeys, shownKeys } from "./shortcuts";

const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };

test("Mod is Command on Apple's systems, and Control elsewhere", () => {
  const command = { ...none, key: "k", metaKey: true };
  const control = { ...none, key: "k", ctrlKey: true };
  assert.deepEqual([matchesKeys("Mod+K", command, true), matchesKeys("Mod+K", control, true)], [true, false]);
  assert.deepEqual([matchesKeys("Mod+K", command, false), matchesKeys("Mod+K", control, false)], [false, true]);
});

test("all modifiers count, except Shift for a character", () => {
  const up = { ...none, key: "ArrowUp", altKey: true };
  assert.equal(matchesKeys("Alt+ArrowUp", up, false), true);
  assert.equal(matchesKeys("Alt+Shift+ArrowUp", up, false), false);
  assert.equal(matchesKeys("Alt+ArrowUp", { ...up, shiftKey: true }, false), false);
  assert.equal(matchesKeys("?", { ...none, key: "?", shiftKey: true }, false), true);
  assert.equal(matchesKeys("?", { ...none, key: "?", ctrlKey: true }, false), false);
  assert.equal(matchesKeys("Mod+/", { ...none, key: "/", ctrlKey: true, shiftKey: true }, false), true); // Shift+7
  assert.equal(matchesKeys("Mod++", { ...none, key: "+", ctrlKey: true }, false), true);
});

test("keys are shown as the system writes them", () => {
  const cases: [string, string, string][] = [
    ["Mod+K", "Ctrl+K", "⌘K"],
    ["Alt+Shift+ArrowUp", "Alt+Shift+↑", "⌥⇧↑"],
    ["?", "?", "?"],
  ];
  for (const [keys, elsewhere, apple] of cases) {
    assert.equal(shownKeys(keys, false), elsewhere);
    assert.equal(shownKeys(keys, true), apple);
  }
});
