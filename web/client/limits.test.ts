import assert from "node:assert/strict";
import { test } from "node:test";
import { length, maxName, maxText, nameable, roomNamed, roomOf, sayable, tidy } from "./limits";

test("length counts code points", () => {
  const lengths = { "": 0, abc: 3, "é": 1, "👋": 1, "👩‍🚀": 3, "e\u0301": 2 };
  for (const [text, n] of Object.entries(lengths)) assert.equal(length(text), n, JSON.stringify(text));
});

test("sayable mirrors the contract: 1 to 4,000 characters, not only white space", () => {
  const cases: [string, boolean][] = [
    ["", false], [" \t\r\n", false], ["\u0085\u00a0\u2003\u3000", false], ["\ufeff", true], ["\u200b", true],
    ["hi", true], [" hi ", true], ["👋".repeat(maxText), true], ["👋".repeat(maxText + 1), false],
  ];
  for (const [text, ok] of cases) assert.equal(sayable(text), ok, JSON.stringify(text.slice(0, 10)));
});

test("tidy drops what nobody sees, keeps indentation, and mends what UTF-8 can't hold", () => {
  const cases: [string, string][] = [
    ["hi \n\n", "hi"], ["\n \n  code\n    more\n", "  code\n    more"], [" hi", " hi"],
    ["a\ud83d b", "a\ufffd b"], ["a👋", "a👋"],
  ];
  for (const [text, want] of cases) assert.equal(tidy(text), want, JSON.stringify(text));
});

test("a name has 1 to 40 characters, white space around it not counted", () => {
  const cases: [string, boolean][] = [["", false], ["  ", false], ["a", true], [` ${"ü".repeat(maxName)} `, true], ["a".repeat(maxName + 1), false]];
  for (const [name, ok] of cases) assert.equal(nameable(name), ok, JSON.stringify(name));
});

test("the address names the room: fragment, then query, then the lobby", () => {
  const cases: [string, string, string | null][] = [
    ["", "", "lobby"], ["#", "", "lobby"], ["#go", "", "go"], ["", "?room=go", "go"], ["#go", "?room=c", "go"],
    ["#Go", "", "go"], ["#a.b_c-9", "", "a.b_c-9"], ["#%67o", "", "go"], ["#a%20b", "", null], ["#%", "", null],
    ["", "?room=a/b", null], [`#${"a".repeat(64)}`, "", "a".repeat(64)], [`#${"a".repeat(65)}`, "", null],
  ];
  for (const [hash, search, want] of cases) assert.equal(roomOf({ hash, search }), want, hash + search);
});

test("a room's name may be written as people do", () => {
  const cases: [string, string | null][] = [["go", "go"], [" #Go ", "go"], ["Tea  time", "tea-time"], ["", null], ["#", null], ["ü", null], ["a".repeat(65), null]];
  for (const [text, want] of cases) assert.equal(roomNamed(text), want, text);
});
