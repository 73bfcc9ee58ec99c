import assert from "node:assert/strict";
import { test } from "node:test";
import { assignHues, avatarLetter, avatarLetters, hueCount, memberHue } from "./avatar";

const ids = (n: number) => Array.from({ length: n }, (_, i) => `member-${i}`);

test("a member has one of the colours, always the same", () => {
  for (const id of ids(100)) {
    const hue = memberHue(id);
    assert.equal(hue, memberHue(id));
    assert.ok(Number.isInteger(hue) && hue >= 0 && hue < hueCount);
  }
});

test("as many members as there are colours have different ones, in any order", () => {
  for (const n of [2, 5, hueCount]) {
    const hues = assignHues(ids(n));
    assert.equal(new Set(hues.values()).size, n);
    assert.deepEqual(new Map([...assignHues(ids(n).reverse())].sort()), new Map([...hues].sort()));
  }
});

test("a member alone has its own colour", () => {
  for (const id of ids(20)) assert.deepEqual([...assignHues([id, "", id])], [[id, memberHue(id)]]);
});

test("those who are there keep their colours when others come", () => {
  const before = assignHues(ids(4));
  const now = assignHues(ids(hueCount), before);
  for (const [id, hue] of before) assert.equal(now.get(id), hue);
  assert.equal(new Set(now.values()).size, hueCount);
});

test("beyond the number of colours, each is used as often as the others", () => {
  const used = new Map<number, number>();
  for (const hue of assignHues(ids(3 * hueCount)).values()) used.set(hue, (used.get(hue) ?? 0) + 1);
  assert.equal(used.size, hueCount);
  assert.ok(Math.max(...used.values()) - Math.min(...used.values()) <= 3);
});

test("an avatar has the first letter, as people count letters", () => {
  assert.deepEqual(["ada", "é", "👩‍👩‍👧 Family", ""].map(avatarLetter), ["A", "É", "👩‍👩‍👧", "?"]);
});

test("two members who share a letter have two", () => {
  const member = (name: string) => ({ id: name, name });
  const of = (...names: string[]) => [...avatarLetters(names.map(member)).values()];
  assert.deepEqual(of("Ada", "Bob"), ["A", "B"]);
  assert.deepEqual(of("Ada", "Ann", "Bob"), ["Ad", "An", "B"]);
  assert.deepEqual(of("Ada", "Ada 2", "a"), ["Ad", "A2", "A"]);
  assert.deepEqual(of("Ada Lovelace", "Ada King"), ["AL", "AK"]);
  assert.deepEqual(of("👩‍👩‍👧 a", "👩‍👩‍👧 b"), ["👩‍👩‍👧", "👩‍👩‍👧"]);
});
