import assert from "node:assert/strict";
import { test } from "node:test";
import { codePoints, isValidName, isValidText, maxNameLength, maxTextLength, normalizeText } from "./limits";

test("codePoints counts code points", () => {
  const lengths = { "": 0, abc: 3, é: 1, "👋": 1, "👩‍🚀": 3, "e\u0301": 2 };
  for (const [text, n] of Object.entries(lengths)) assert.equal(codePoints(text), n, JSON.stringify(text));
});

test("isValidText follows the contract: 1 to 4,000 characters, one of them visible", () => {
  const cases: [string, boolean][] = [
    ["", false],
    [" \t\r\n", false],
    ["\u0085\u00a0\u2003\u3000", false],
    ["\ufeff", false],
    ["\u200b \u3164\u2800\u00ad", false],
    ["\u202e", false],
    ["\u200b.", true],
    ["❤️", true],
    ["hi", true],
    [" hi ", true],
    ["👋".repeat(maxTextLength), true],
    ["👋".repeat(maxTextLength + 1), false],
  ];
  for (const [text, ok] of cases) assert.equal(isValidText(text), ok, JSON.stringify(text.slice(0, 10)));
});

test("normalizeText drops invisible space, keeps indentation, and replaces lone surrogates", () => {
  const cases: [string, string][] = [
    ["hi \n\n", "hi"],
    ["hi\u0085\u3000\ufeff \u2003", "hi\u0085\u3000\ufeff"],
    [" \n ", ""],
    ["", ""],
    ["\n \n  code\n    more\n", "  code\n    more"],
    [" hi", " hi"],
    ["a\ud83d b", "a\ufffd b"],
    ["a👋", "a👋"],
  ];
  for (const [text, want] of cases) assert.equal(normalizeText(text), want, JSON.stringify(text));
});

test("normalizeText reads a long run of spaces once", () => {
  const spaces = " ".repeat(2_000_000);
  assert.equal(normalizeText(`a${spaces}b${spaces}`), `a${spaces}b`);
});

test("a name has 1 to 40 characters without the white space around it", () => {
  const cases: [string, boolean][] = [
    ["", false],
    ["  ", false],
    ["a", true],
    [` ${"ü".repeat(maxNameLength)} `, true],
    ["a".repeat(maxNameLength + 1), false],
    ["👩‍🚀".repeat(maxNameLength), true],
    ["👩‍🚀".repeat(maxNameLength + 1), false],
  ];
  for (const [name, ok] of cases) assert.equal(isValidName(name), ok, JSON.stringify(name));
});
