// A message's source as blocks: paragraphs, quotes, lists and code. Line breaks and
// everything that is not a mark stay as they are.

import { parseInline } from "./inline";
import { parseList, startsItem } from "./lists";
import type { Mentionable } from "./mentions";
import type { Block, CodeBlock } from "./tree";

/** How deep quotes are nested; what is deeper is shown as written. */
const maxQuotes = 3;

const fence = "```";

const nobody: Mentionable = { names: [], self: "", everyone: false };

/** Returns the blocks of a message. */
export function parseMessage(source: string, mentionable: Mentionable = nobody): readonly Block[] {
  return new BlockParser(source.split(/\r?\n/), mentionable, 0).parse();
}

class BlockParser {
  readonly #lines: readonly string[];
  readonly #mentionable: Mentionable;
  readonly #depth: number;
  readonly #blocks: Block[] = [];
  #paragraph: string[] = [];
  /** Whether no line from here on closes a fence. */
  #isOpenEnded = false;
  /** The quotes before this line have no words: without it, each of their lines would be read with all that follow. */
  #blankQuotesEnd = 0;

  constructor(lines: readonly string[], mentionable: Mentionable, depth: number) {
    this.#lines = lines;
    this.#mentionable = mentionable;
    this.#depth = depth;
  }

  parse(): readonly Block[] {
    for (let at = 0; at < this.#lines.length; ) at = this.#step(at);
    this.#endParagraph();
    return this.#blocks;
  }

  /** Reads what begins at a line, and returns the line after it. */
  #step(at: number): number {
    const line = this.#lines[at] as string;
    if (line.trimStart().startsWith(fence)) {
      const code = this.#code(at);
      if (code) return this.#add(code.block, code.next);
    }
    if (this.#depth < maxQuotes && at >= this.#blankQuotesEnd && quoted(line) !== null) {
      const inner: string[] = [];
      let next = at;
      for (; next < this.#lines.length; next++) {
        const content = quoted(this.#lines[next] as string);
        if (content === null) break;
        inner.push(content);
      }
      const blocks = new BlockParser(inner, this.#mentionable, this.#depth + 1).parse();
      if (blocks.length > 0) return this.#add({ kind: "quote", blocks }, next);
      this.#blankQuotesEnd = next;
    }
    if (startsItem(line)) {
      const { block, next } = parseList(this.#lines, at, this.#mentionable);
      return this.#add(block, next);
    }
    this.#paragraph.push(line);
    return at + 1;
  }

  #add(block: Block, next: number): number {
    this.#endParagraph();
    this.#blocks.push(block);
    return next;
  }

  /** Blank lines are kept within a paragraph, and left out beside other blocks. */
  #endParagraph(): void {
    const lines = this.#paragraph;
    this.#paragraph = [];
    const first = lines.findIndex((line) => line.trim() !== "");
    const last = lines.findLastIndex((line) => line.trim() !== "");
    if (first < 0) return;
    const text = lines.slice(first, last + 1).join("\n");
    this.#blocks.push({ kind: "paragraph", children: parseInline(text, this.#mentionable) });
  }

  /** Reads code from its fence to the next line that ends with one. */
  #code(at: number): { readonly block: CodeBlock; readonly next: number } | null {
    const opening = (this.#lines[at] as string).trimStart().slice(fence.length).trimEnd();
    if (opening.includes("`")) {
      const text = opening.slice(0, -fence.length).trim();
      const isOneLine = opening.endsWith(fence) && text !== "" && !text.includes("`");
      return isOneLine ? { block: { kind: "code", language: "", text }, next: at + 1 } : null;
    }
    if (this.#isOpenEnded) return null;
    const isLanguage = /^[\w+#.-]{0,20}$/.test(opening);
    const content = isLanguage ? [] : [opening];
    for (let next = at + 1; next < this.#lines.length; next++) {
      const line = this.#lines[next] as string;
      if (!line.trimEnd().endsWith(fence)) {
        content.push(line);
        continue;
      }
      const before = line.trimEnd().slice(0, -fence.length);
      if (before.trim() !== "") content.push(before);
      const text = content.join("\n");
      if (text.trim() === "") return null;
      return { block: { kind: "code", language: isLanguage ? opening.toLowerCase() : "", text }, next: next + 1 };
    }
    this.#isOpenEnded = true;
    return null;
  }
}

/** Returns a line without the mark of a quote, which a space or another mark follows; null without, as for >_<. */
function quoted(line: string): string | null {
  return /^ {0,3}(?:> ?){1,40}(?<=> )|^ {0,3}(?:> ?){0,40}>$/.test(line) ? line.trimStart().replace(/^> ?/, "") : null;
}
