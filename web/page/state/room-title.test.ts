import assert from "node:assert/strict";
import { test } from "node:test";
import { appearance, plainDisplayName, roomTitle, spellsName } from "./room-title";

test("names that look alike have one appearance", () => {
  for (const name of [
    "lobby",
    "Lobby",
    "#lobby",
    "＃ｌｏｂｂｙ",
    "lоbby",
    "LΟΒΒY",
    "1obby",
    "l0bby",
    "Iobby",
    "l-o b.by",
    "ĺobby",
    "🎉 lobby",
  ]) {
    assert.equal(appearance(name), "lobby", name);
  }
  assert.equal(appearance("ѕсоре"), appearance("scope"));
  for (const name of ["hobby", "東京", "المجلس"]) assert.notEqual(appearance(name), "lobby", name);
  assert.notEqual(appearance("🎉"), appearance("🔥"));
});

test("only the name of a room begins with a hash", () => {
  assert.equal(roomTitle("lobby", ""), "#lobby");
  assert.equal(roomTitle("team", "The team"), "The team");
  for (const displayName of ["#lobby", " # lobby", "＃lobby", "##lobby"]) {
    assert.equal(roomTitle("team", displayName), "lobby", displayName);
  }
  assert.equal(roomTitle("team", "##"), "#team");
  assert.equal(plainDisplayName("C# and F#"), "C# and F#");
});

test("a display name spells the name exactly, or the name is shown", () => {
  const cases: [name: string, displayName: string, spells: boolean][] = [
    ["team", "", true],
    ["team", "##", true],
    ["team", "Team", true],
    ["design", "🎨 Design!", true],
    ["tea-time", "Tea   Time", true],
    ["cafe", "Café", true],
    ["tea", "Tea time", false],
    ["imitator", "lobby", false],
    ["1obby", "lobby", false],
    ["l-obby", "lobby", false],
    ["lobby-", "lobby", false],
    ["tokyo", "東京", false],
    ["party", "🎉", false],
  ];
  for (const [name, displayName, spells] of cases) assert.equal(spellsName(name, displayName), spells, displayName);
});
