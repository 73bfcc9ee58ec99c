import assert from "node:assert/strict";
import { test } from "node:test";
import { parseMessage, plainText } from ".";
import { beginning } from "./beginning";

/** Returns the number of objects in a tree that have a kind. */
function size(tree: unknown): number {
  if (typeof tree !== "object" || tree === null) return 0;
  return Object.values(tree).reduce((sum: number, part) => sum + size(part), "kind" in tree ? 1 : 0);
}

test("the beginning of a message of many parts has a bounded number of them", () => {
  for (const unit of ["*a* ", "`a` ", "- a\n", "- a\n  - b\n", "> a\n\n", "```\na\n```\n", "> - *a*\n"]) {
    const blocks = parseMessage(unit.repeat(400));
    const cut = beginning(blocks, 100);
    assert.ok(cut.isCut, unit);
    assert.ok(size(cut.blocks) <= 110 && size(cut.blocks) >= 8, `${unit}: ${size(cut.blocks)} of ${size(blocks)}`);
    assert.deepEqual(beginning(blocks, Number.POSITIVE_INFINITY), { blocks, isCut: false });
  }
});

test("a message of few parts is whole, however long its words are", () => {
  const source = `**a** > b\n${"word ".repeat(700)}`;
  const blocks = parseMessage(source);
  assert.deepEqual(beginning(blocks, 100), { blocks, isCut: false });
  assert.ok(plainText(source).length > 3_000);
});
