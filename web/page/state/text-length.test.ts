import assert from "node:assert/strict";
import { test } from "node:test";
import { codePoints, isValidText, maxTextLength } from "../../client";
import { cutToLimit, textLength } from "./text-length";

test("the length is said near the limit", () => {
  const cases: [string, ReturnType<typeof textLength>][] = [
    ["", { kind: "fits" }],
    ["x".repeat(maxTextLength - 201), { kind: "fits" }],
    ["x".repeat(maxTextLength - 200), { kind: "nearLimit", left: 200 }],
    ["👋".repeat(maxTextLength), { kind: "nearLimit", left: 0 }],
    [`x${" ".repeat(maxTextLength)}`, { kind: "fits" }],
    ["👋".repeat(maxTextLength + 1), { kind: "over", by: 1, about: false }],
    ["x".repeat(1_000_000), { kind: "over", by: 996_000, about: true }],
  ];
  for (const [text, want] of cases) assert.deepEqual(textLength(text), want, `${text.slice(0, 3)} ${text.length}`);
});

test("a text is cut between characters", () => {
  assert.equal(cutToLimit("short"), "short");
  assert.equal(cutToLimit("x".repeat(1_000_000)), "x".repeat(maxTextLength));
  assert.equal(codePoints(cutToLimit("👋".repeat(maxTextLength + 5))), maxTextLength);
  const cut = cutToLimit(`${"x".repeat(maxTextLength - 1)}👩‍🚀 and more`);
  assert.equal(cut, "x".repeat(maxTextLength - 1));
  assert.ok(isValidText(cut));
});
