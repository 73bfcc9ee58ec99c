// The emoji, loaded when they are first used.

import { type Language, language } from "../i18n";
import { outsideCode } from "../text";
import { loadChunk } from "../update/load-chunk";
import { type Emoji, EmojiSet } from "./emoji-set";

export { type Emoji, type EmojiGroup, EmojiSet, type SkinTone, skinTones, withTone } from "./emoji-set";

let loaded: { readonly language: Language; readonly set: EmojiSet } | null = null;

/** Loads the emoji, with words in the language of the page and in English. */
export async function loadEmoji(): Promise<EmojiSet> {
  const wanted = language();
  if (loaded?.language === wanted) return loaded.set;
  const [{ default: groups }, { default: english }, { default: words }] = await loadChunk(() =>
    Promise.all([import("emoji:set"), import("emoji:en"), wanted === "ja" ? import("emoji:ja") : import("emoji:en")]),
  );
  const set = new EmojiSet(groups, wanted === "en" ? [english] : [words, english]);
  loaded = { language: wanted, set };
  return set;
}

/** Returns the emoji if they are loaded, null otherwise. */
export function loadedEmoji(): EmojiSet | null {
  return loaded?.set ?? null;
}

/** Returns the emoji that words or a part of a name describe, the best first. */
export async function searchEmoji(query: string, limit: number): Promise<readonly Emoji[]> {
  return (await loadEmoji()).search(query, limit);
}

/** Replaces names between colons, as in ":tada:", by their emoji. Code stays as it is. */
export async function expandShortcodes(text: string): Promise<string> {
  if (!/:[\w+-]+:/.test(text)) return text;
  const emoji = await loadEmoji();
  return outsideCode(text, (part) => emoji.expand(part));
}
