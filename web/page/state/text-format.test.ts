import assert from "node:assert/strict";
import { test } from "node:test";
import { codeBlock, withMarks } from "./text-format";

/** Applies marks to the part between the brackets, and brackets what is selected afterwards. */
function marked(text: string, mark: string): string {
  const [start, end] = [text.indexOf("["), text.indexOf("]") - 1];
  const plain = text.replace(/[[\]]/g, "");
  const { from, to, insert, selectionStart, selectionEnd } = withMarks(plain, start, end, mark);
  const after = plain.slice(0, from) + insert + plain.slice(to);
  return `${after.slice(0, selectionStart)}[${after.slice(selectionStart, selectionEnd)}]${after.slice(selectionEnd)}`;
}

test("marks are put around the selected words, and removed from them", () => {
  const cases: [string, string, string][] = [
    ["a [b] c", "**", "a **[b]** c"],
    ["a[ b ]c", "**", "a **[b]** c"],
    ["a **[b]** c", "**", "a [b] c"],
    ["a [**b**] c", "**", "a [b] c"],
    ["a []", "_", "a _[]_"],
    ["[]", "~~", "~~[]~~"],
    ["a[ ]b", "**", "a **[]**b"],
    ["[**]", "**", "**[**]**"],
  ];
  for (const [text, mark, want] of cases) assert.equal(marked(text, mark), want, text);
});

test("the fence of a code block is longer than those in it", () => {
  assert.equal(codeBlock("a\n", "ts"), "```ts\na\n```");
  assert.equal(codeBlock("a\n````\nb", ""), "`````\na\n````\nb\n`````");
});
