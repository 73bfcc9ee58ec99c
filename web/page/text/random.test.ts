import assert from "node:assert/strict";
import { test } from "node:test";
import { type Block, type Inline, parseMessage, textOf } from ".";
import { loadLinkFinder } from "./links";

await loadLinkFinder();

const alphabet = [
  ..."*_~`>[]()-1. \n\\@ab#:/",
  "**",
  "```",
  "https://x.example/",
  "](",
  "@Ada",
  "> ",
  "- ",
  "あ",
  "👍🏽",
  "\u0301",
];

/** A generator of random numbers whose values don't differ from one run to another. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function textOfBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return textOf(block.children);
    case "code":
      return block.text;
    case "quote":
      return block.blocks.map(textOfBlock).join("\n");
    case "list":
      return block.items
        .map(({ children, nested }) => [textOf(children), ...nested.map(textOfBlock)].join("\n"))
        .join("\n");
  }
}

interface Size {
  nodes: number;
  depth: number;
}

function size(parts: readonly (Block | Inline)[]): Size {
  return parts.map(sizeOf).reduce((a, b) => ({ nodes: a.nodes + b.nodes, depth: Math.max(a.depth, b.depth) }), {
    nodes: 0,
    depth: 0,
  });
}

function sizeOf(part: Block | Inline): Size {
  let inner: readonly (Block | Inline)[] = [];
  if ("blocks" in part) inner = part.blocks;
  else if ("children" in part) inner = part.children;
  else if ("items" in part) inner = part.items.flatMap(({ children, nested }) => [...children, ...nested]);
  else if ("label" in part) inner = part.label ?? [];
  const { nodes, depth } = size(inner);
  return { nodes: nodes + 1, depth: depth + 1 };
}

/** Whether a text is left of another one when characters are taken out. */
function isLeftOf(text: string, source: string): boolean {
  let at = 0;
  for (const character of source) if (text.startsWith(character, at)) at += character.length;
  return at === text.length;
}

test("random texts lose nothing but marks, and stay small", () => {
  const random = generator(4711);
  let whole = 0;
  for (let run = 0; run < 3_000; run++) {
    let source = "";
    for (let i = random(60); i >= 0; i--) source += alphabet[random(alphabet.length)];
    const blocks = parseMessage(source, { names: ["Ada"], self: "Ada", everyone: true });
    const text = blocks.map(textOfBlock).join("\n");
    const { nodes, depth } = size(blocks);
    assert.ok(
      nodes <= 3 * source.length + 2 && depth <= 16,
      `${JSON.stringify(source)}: ${nodes} nodes, ${depth} deep`,
    );
    if (text.includes("…")) continue; // a URL is shortened
    whole++;
    assert.ok(isLeftOf(text, source), `${JSON.stringify(source)} is shown as ${JSON.stringify(text)}`);
    // URLs of links with a label are taken out, and marks.
    const kept = (all: string) => all.replaceAll(/https:\/\/x\.example\/[^\s]*/g, "").match(/[abあ👍]/gu)?.length ?? 0;
    assert.ok(kept(text) >= kept(source), `${JSON.stringify(source)} is shown as ${JSON.stringify(text)}`);
  }
  assert.ok(whole > 2_000);
});

/** Returns how often expressions are matched while something is done: a measure of its work. */
function matches(act: () => void): number {
  const { exec } = RegExp.prototype;
  let count = 0;
  RegExp.prototype.exec = function (text) {
    count++;
    return exec.call(this, text);
  };
  try {
    act();
  } finally {
    RegExp.prototype.exec = exec;
  }
  return count;
}

test("texts of marks alone take linear time", () => {
  const units = [
    "*",
    "_",
    "**a",
    "*a **b ",
    "[",
    "](",
    "[a](",
    "[a](https://x.example/",
    ">",
    "> ",
    ">\n",
    "> > \n",
    "- ",
    "`",
    "` ``",
    "```\n",
    "\\",
    "@",
    "@Ada",
    "~~",
    "*a_b",
    "(",
    "www.",
    "https://",
    "a@b",
    "a@b.",
    "http://a.",
    "*!",
    "* a\n",
    "\n",
    "¯\\",
    "***a* ",
  ];
  for (const unit of units) {
    const parse = (length: number) => {
      const source = unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
      const steps = size(parseMessage(source, { names: ["Ada"], self: "", everyone: true }));
      assert.ok(steps.depth <= 16 && steps.nodes <= 3 * length, unit);
    };
    const half = matches(() => parse(2_000));
    const whole = matches(() => parse(4_000));
    assert.ok(
      whole <= 3 * half + 100,
      `${JSON.stringify(unit)}: ${half} matches in 2,000 characters, ${whole} in 4,000`,
    );
  }
});
