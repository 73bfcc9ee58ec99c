import assert from "node:assert/strict";
import { test } from "node:test";
import { avatarLetter, hueCount, memberHue } from "./avatar";

test("a colour depends on the id alone, and all colours are used", () => {
  const used = new Set<number>();
  for (let i = 0; i < 500; i++) used.add(memberHue(`member-${i}`));
  assert.equal(used.size, hueCount);
  assert.equal(memberHue("bob"), memberHue("bob"));
});

test("an avatar's letter is a whole character", () => {
  const initials = { bob: "B", élan: "É", "👩‍🚀 x": "👩‍🚀", ß: "SS", "": "?" };
  for (const [name, want] of Object.entries(initials)) assert.equal(avatarLetter(name), want);
});
