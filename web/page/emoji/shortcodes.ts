// Names of emoji between colons in a message, as in ":tada:", which become emoji when it is sent.

import { type Block, type Inline, parseMessage } from "../text";
import { characterAt, characterBefore, isInWord } from "../text/characters";

/** Whether a text has what may be a shortcode. */
export function mayHaveShortcodes(text: string): boolean {
  let found = false;
  replaceNames(text, () => {
    found = true;
    return undefined;
  });
  return found;
}

/**
 * Replaces shortcodes by their emoji. Code and URLs stay as they are, and so does what is between
 * two colons as a part of a word, of a time or of a path in a program.
 */
export function withEmoji(text: string, named: (name: string) => string | undefined): string {
  if (placeholders.test(text)) return text;
  const found: Shortcode[] = [];
  const marked = replaceNames(text, (name, whole) => {
    const emoji = named(name);
    return emoji && placeholderOf(found.push({ whole, emoji }) - 1);
  });
  // The parser knows what code is: in place of each shortcode it reads a character that means nothing.
  const prose = proseOfBlocks(parseMessage(marked));
  return marked.replace(new RegExp(placeholders, "gu"), (placeholder) => {
    const { whole, emoji } = found[indexOf(placeholder)] as Shortcode;
    return prose.includes(placeholder) ? emoji : whole;
  });
}

interface Shortcode {
  readonly whole: string;
  readonly emoji: string;
}

/** Private characters, of a plane that nothing else uses. */
const placeholders = /[\u{100000}-\u{10fffd}]/u;
const firstPlaceholder = 0x100000;

function placeholderOf(index: number): string {
  return String.fromCodePoint(firstPlaceholder + index);
}

function indexOf(placeholder: string): number {
  return (placeholder.codePointAt(0) ?? 0) - firstPlaceholder;
}

/** Calls back with each name between colons that stands by itself. What it returns takes the place of both. */
function replaceNames(text: string, replace: (name: string, whole: string) => string | undefined): string {
  let replacedTo = 0;
  return text.replace(/:([\w+-]{1,60}):/g, (whole, name: string, start: number) => {
    const end = start + whole.length;
    const before = characterBefore(text, start);
    const isPart =
      isInWord(before) ||
      before === "\\" ||
      (before === ":" && start !== replacedTo) ||
      isInWord(characterAt(text, end));
    const replacement = isPart ? undefined : replace(name, whole);
    if (replacement) replacedTo = end;
    return replacement ?? whole;
  });
}

/** The text of a message without its code and its URLs. */
function proseOfBlocks(blocks: readonly Block[]): string {
  return blocks.map(proseOfBlock).join("");
}

function proseOfBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return proseOf(block.children);
    case "code":
      return "";
    case "quote":
      return proseOfBlocks(block.blocks);
    case "list":
      return block.items.map(({ children, nested }) => proseOf(children) + proseOfBlocks(nested)).join("");
  }
}

function proseOf(inlines: readonly Inline[]): string {
  return inlines
    .map((inline): string => {
      if ("children" in inline) return proseOf(inline.children);
      if (inline.kind === "link") return proseOf(inline.label ?? []);
      return inline.kind === "code" ? "" : inline.text;
    })
    .join("");
}
