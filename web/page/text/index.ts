// The text of messages: from its source to what is shown.

import { parseMessage } from "./blocks";
import type { Mentionable } from "./mentions";
import type { Block, Inline } from "./tree";

export { parseMessage } from "./blocks";
export { findsLinks, loadLinkFinder, mayHaveLinks } from "./links";
export type { Mentionable } from "./mentions";
export type { Block, Inline, LinkNode, ListBlock } from "./tree";

/** How many emoji alone are shown large. */
const maxLarge = 6;

/** Returns the words of a message without its marks, as quotes, notifications and titles show it. */
export function plainText(source: string): string {
  return textOfBlocks(parseMessage(source));
}

function textOfBlocks(blocks: readonly Block[]): string {
  return blocks.map(textOfBlock).join("\n");
}

function textOfBlock(block: Block): string {
  switch (block.kind) {
    case "paragraph":
      return textOf(block.children);
    case "code":
      return block.text;
    case "quote":
      return textOfBlocks(block.blocks);
    case "list":
      return block.items
        .map(({ number, children, nested }) => {
          const mark = block.ordered ? `${number}.` : "•";
          return [`${mark} ${textOf(children)}`, ...nested.map(textOfBlock)].join("\n");
        })
        .join("\n");
  }
}

/** Returns the words of inline nodes. */
export function textOf(inlines: readonly Inline[]): string {
  return inlines
    .map((inline): string => {
      if (inline.kind === "link") return inline.label ? textOf(inline.label) : inline.shown;
      return "children" in inline ? textOf(inline.children) : inline.text;
    })
    .join("");
}

/** Whether a message mentions the reader, by name or with everyone in the room. Quotes and code don't count. */
export function mentionsSelf(source: string, mentionable: Mentionable): boolean {
  return source.includes("@") && parseMessage(source, mentionable).some(mentionsIn);
}

function mentionsIn(block: Block): boolean {
  if (block.kind === "paragraph") return block.children.some(isOwnMention);
  if (block.kind !== "list") return false;
  return block.items.some(({ children, nested }) => children.some(isOwnMention) || nested.some(mentionsIn));
}

function isOwnMention(inline: Inline): boolean {
  if (inline.kind === "mention") return inline.self;
  return "children" in inline && inline.children.some(isOwnMention);
}

/** The emoji that Unicode recommends, in a browser that knows them. */
const emoji = ((): RegExp | null => {
  try {
    // biome-ignore lint/complexity/useRegexLiterals: browsers that do not know the flag could not read the file.
    return new RegExp("\\p{RGI_Emoji}\\ufe0f?\\s*", "vy");
  } catch {
    return null;
  }
})();

/** Whether a message consists of one to six emoji, which are then shown large. */
export function isLargeEmoji(source: string): boolean {
  const text = source.trim();
  // No emoji is of ASCII alone: most texts do without the pattern, which takes a browser long to compile.
  if (!emoji || text.length > 200 || !/[^\0-\x7f]/.test(text)) return false;
  emoji.lastIndex = 0;
  for (let count = 1; count <= maxLarge; count++) {
    if (!emoji.test(text)) return false;
    if (emoji.lastIndex === text.length) return true;
  }
  return false;
}
