// The text of a paragraph or of an item of a list: emphasis, code, links and mentions.
// The time is linear in the length of the text.

import { characterAt, characterBefore, isInWord } from "./characters";
import { type Mentionable, MentionFinder } from "./mentions";
import { findSpans, type Span, type Spans } from "./spans";
import type { Inline, LinkNode, MentionNode } from "./tree";

/** How deep emphasis is nested; what is deeper is shown as written. */
const maxDepth = 6;

/** Marks that a backslash makes a character like others. */
const marks = "`*_~[]>@:-";

const shrug = /¯\\{1,3}_{1,2}\(ツ\)\\?_{1,2}\/¯/y;

/** A mark that may begin an emphasis. */
interface Opener {
  readonly mark: string;
  /** The index of its node, which shows the mark until an end is found. */
  readonly node: number;
  /** Where the text after it begins. */
  readonly end: number;
  /** How many of its characters are unused: 1 to 3. */
  left: number;
}

interface Node {
  inline: Inline;
  readonly depth: number;
}

/** Returns what a text is made of. */
export function parseInline(text: string, mentionable: Mentionable): readonly Inline[] {
  return new InlineParser(text, mentionable).parse();
}

class InlineParser {
  readonly #text: string;
  readonly #spans: Spans;
  readonly #mentions: MentionFinder;
  readonly #nodes: Node[] = [];
  readonly #openers: Opener[] = [];
  /** The number of openers by their mark and what is left of them. */
  readonly #counts = new Map<string, number>();
  /** The text before the position that is in no node yet. */
  #plain = "";
  /** Where a letter, digit or picture was last: emphasis without one, as in *_*, is a face. */
  #lastVisible = -1;

  constructor(text: string, mentionable: Mentionable) {
    this.#text = text;
    this.#spans = findSpans(text);
    this.#mentions = new MentionFinder(text, mentionable);
  }

  parse(): readonly Inline[] {
    for (let at = 0; at < this.#text.length; ) at = this.#step(at);
    this.#flush();
    return merged(this.#nodes.map(({ inline }) => inline));
  }

  /** Reads what is at an index, and returns the index after it. */
  #step(at: number): number {
    const text = this.#text;
    const character = text[at] as string;
    const span = this.#spans.get(at);
    if (span) {
      this.#add(nodeOf(span));
      this.#lastVisible = at;
      return span.end;
    }
    switch (character) {
      case "\\":
        return this.#escape(at);
      case "*":
      case "_":
      case "~":
        return this.#run(at, character);
      case "@": {
        const mention = this.#mentions.at(at);
        if (!mention) break;
        const { end, name, everyone, self } = mention;
        this.#add({ kind: "mention", text: text.slice(at, end), name, everyone, self });
        this.#lastVisible = at;
        return end;
      }
      case "\n":
        if (text[at + 1] === "\n") this.#dropOpeners(0); // emphasis ends with a paragraph
        break;
      case "¯": {
        shrug.lastIndex = at;
        if (!shrug.test(text)) break;
        this.#plain += "¯\\_(ツ)_/¯";
        return shrug.lastIndex;
      }
    }
    return this.#character(at);
  }

  #character(at: number): number {
    const character = characterAt(this.#text, at);
    this.#plain += character;
    if (/[\p{L}\p{N}\p{Extended_Pictographic}]/u.test(character)) this.#lastVisible = at;
    return at + character.length;
  }

  #escape(at: number): number {
    const text = this.#text;
    const next = text[at + 1] ?? "";
    const isNumber = (next === "." || next === ")") && /\d/.test(text[at - 1] ?? "");
    const isBackslash = next === "\\" && text[at + 2] !== undefined && marks.includes(text[at + 2] as string);
    if (next === "" || !(isNumber || isBackslash || marks.includes(next))) return this.#character(at);
    this.#plain += next;
    return at + 2;
  }

  /** Reads a run of one mark, which may end an emphasis, begin one, or both. */
  #run(at: number, mark: string): number {
    const text = this.#text;
    let end = at + 1;
    while (text[end] === mark) end++;
    const length = end - at;
    const isMark = mark === "~" ? length === 2 : length <= 3;
    const before = characterBefore(text, at);
    const after = characterAt(text, end);
    const isFace = before === after && marks.includes(before) && before !== ""; // *_*
    const canClose = isMark && !isFace && endsWords(before) && followsEmphasis(after);
    const canOpen = isMark && !isFace && beginsWords(after) && precedesEmphasis(before);
    let left = length;
    if (canClose) left = this.#close(mark, length);
    if (left > 0 && canOpen) this.#open(mark, left, end);
    else this.#plain += mark.repeat(left);
    return end;
  }

  #open(mark: string, left: number, end: number): void {
    this.#flush();
    this.#openers.push({ mark, node: this.#nodes.length, end, left });
    this.#count(mark, left, 1);
    this.#nodes.push({ inline: { kind: "text", text: mark.repeat(left) }, depth: 0 });
  }

  /** Ends the emphasis that marks began, and returns how many characters of the run are left. */
  #close(mark: string, length: number): number {
    let left = length;
    while (left > 0) {
      const opener = this.#findOpener(mark, left);
      if (!opener || this.#lastVisible < opener.end) break;
      this.#flush();
      const used = Math.min(opener.left, left);
      const inner = this.#nodes.slice(opener.node + 1);
      const depth = 1 + inner.reduce((most, node) => Math.max(most, node.depth), 0);
      if (depth > maxDepth) break;
      this.#nodes.length = opener.node + 1;
      this.#use(opener, used);
      const children = inner.map(({ inline }) => inline);
      this.#nodes.push({ inline: emphasis(mark, used, children), depth });
      left -= used;
    }
    return left;
  }

  /** Returns the last opener that a run ends, and forgets those after it. */
  #findOpener(mark: string, left: number): Opener | null {
    const fits = [1, 2, 3].filter((other) => other === left || other === 3 || left === 3);
    // Without this, a text of many marks would look through all of them for each.
    if (fits.every((other) => (this.#counts.get(`${mark}${other}`) ?? 0) === 0)) return null;
    let index = this.#openers.length - 1;
    for (; index >= 0; index--) {
      const opener = this.#openers[index] as Opener;
      if (opener.mark === mark && fits.includes(opener.left)) break;
    }
    if (this.#lastVisible >= (this.#openers[index]?.end ?? 0)) this.#dropOpeners(index + 1);
    return this.#openers[index] ?? null;
  }

  #use(opener: Opener, used: number): void {
    this.#count(opener.mark, opener.left, -1);
    opener.left -= used;
    if (opener.left === 0) {
      this.#openers.pop();
      this.#nodes.pop();
      return;
    }
    this.#count(opener.mark, opener.left, 1);
    (this.#nodes[opener.node] as Node).inline = { kind: "text", text: opener.mark.repeat(opener.left) };
  }

  /** The marks from an index on begin nothing: their nodes stay as text. */
  #dropOpeners(from: number): void {
    for (const { mark, left } of this.#openers.splice(from)) this.#count(mark, left, -1);
  }

  #count(mark: string, left: number, change: number): void {
    const key = `${mark}${left}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + change);
  }

  #add(inline: Inline): void {
    this.#flush();
    this.#nodes.push({ inline, depth: 0 });
  }

  #flush(): void {
    if (this.#plain !== "") this.#nodes.push({ inline: { kind: "text", text: this.#plain }, depth: 0 });
    this.#plain = "";
  }
}

// Emphasis begins and ends where words do, which leaves faces such as >_< and ^_^ alone.

function precedesEmphasis(character: string): boolean {
  return (
    character === "" || /[\s([{"'“‘«「『（【*_~/\\:,.…—–、。！？：]/u.test(character) || isUnspacedLetter(character)
  );
}

function followsEmphasis(character: string): boolean {
  return (
    character === "" || /[\s)\]}"'”’»」』）】*_~/:;,.!?…—–、。！？：]/u.test(character) || isUnspacedLetter(character)
  );
}

function beginsWords(character: string): boolean {
  return character !== "" && !/[\s)\]}.,:;!?]/u.test(character);
}

function endsWords(character: string): boolean {
  return character !== "" && !/[\s([{]/u.test(character);
}

/** Whether it is a letter of a script without spaces, as in Japanese, or an emoji. */
function isUnspacedLetter(character: string): boolean {
  return !isInWord(character) && /[\p{L}\p{Extended_Pictographic}]|\ufe0f/u.test(character);
}

function nodeOf(span: Span): Inline {
  if (span.kind === "code") return { kind: "code", text: span.text };
  const { kind, href, label, shown, realHost } = span;
  return { kind, href, label: label === null ? null : parseLabel(label), shown, realHost };
}

/** There are no mentions in a label, and no links. */
function parseLabel(label: string): readonly Inline[] {
  return withoutLinks(parseInline(label, { names: [], self: "", everyone: false }));
}

function withoutLinks(inlines: readonly Inline[]): readonly Inline[] {
  return inlines.map((inline): Inline => {
    if (inline.kind === "link" || inline.kind === "mention") return { kind: "text", text: sourceOf(inline) };
    return "children" in inline ? { ...inline, children: withoutLinks(inline.children) } : inline;
  });
}

function sourceOf(inline: LinkNode | MentionNode): string {
  return inline.kind === "link" ? inline.shown : inline.text;
}

function emphasis(mark: string, used: number, children: readonly Inline[]): Inline {
  if (mark === "~") return { kind: "strike", children };
  if (used === 3) return { kind: "strong", children: [{ kind: "emphasis", children }] };
  return { kind: used === 2 ? "strong" : "emphasis", children };
}

/** Joins texts that follow one another. */
function merged(inlines: readonly Inline[]): readonly Inline[] {
  const out: Inline[] = [];
  let plain = "";
  const flush = () => {
    if (plain !== "") out.push({ kind: "text", text: plain });
    plain = "";
  };
  for (const inline of inlines) {
    if (inline.kind === "text") {
      plain += inline.text;
      continue;
    }
    flush();
    out.push("children" in inline ? { ...inline, children: merged(inline.children) } : inline);
  }
  flush();
  return out;
}
