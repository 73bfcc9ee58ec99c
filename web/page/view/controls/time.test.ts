import assert from "node:assert/strict";
import { test } from "node:test";
import { shortTime } from "./time";

Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US"] }, configurable: true });

test("a time has its date unless it is within a day", () => {
  const soon = Date.now() + 3_600_000;
  const later = Date.now() + 3 * 86_400_000;
  assert.doesNotMatch(shortTime(soon), /\d{4}/);
  assert.match(shortTime(later), new RegExp(`${new Date(later).getFullYear()}`));
});
