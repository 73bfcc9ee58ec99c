import assert from "node:assert/strict";
import { test } from "node:test";
import { roomFromAddress, roomFromInput } from "./address";

test("the address names the room: fragment, then query, then the lobby", () => {
  const cases: [string, string, string | null][] = [
    ["", "", "lobby"],
    ["#", "", "lobby"],
    ["#go", "", "go"],
    ["", "?room=go", "go"],
    ["#go", "?room=c", "go"],
    ["#Go", "", "go"],
    ["#a.b_c-9", "", "a.b_c-9"],
    ["#%67o", "", "go"],
    ["#a%20b", "", null],
    ["#%", "", null],
    ["", "?room=a/b", null],
    [`#${"a".repeat(64)}`, "", "a".repeat(64)],
    [`#${"a".repeat(65)}`, "", null],
  ];
  for (const [hash, search, want] of cases) assert.equal(roomFromAddress({ hash, search }), want, hash + search);
});

test("a room's name is normalized", () => {
  const cases: [string, string | null][] = [
    ["go", "go"],
    [" #Go ", "go"],
    ["Tea  time", "tea-time"],
    ["", null],
    ["#", null],
    ["ü", null],
    ["a".repeat(65), null],
  ];
  for (const [text, want] of cases) assert.equal(roomFromInput(text), want, text);
});
