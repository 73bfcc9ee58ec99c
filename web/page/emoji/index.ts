// The emoji, loaded when they are first used.

import { type Language, language } from "../i18n";
import { loadLinkFinder, mayHaveLinks } from "../text";
import { loadChunk } from "../update/load-chunk";
import { type Emoji, EmojiSet } from "./emoji-set";
import { mayHaveShortcodes, withEmoji } from "./shortcodes";

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

/** How long a message waits until its shortcodes can be read, in milliseconds. */
const patience = 2_000;

/**
 * Replaces shortcodes, as ":tada:", by their emoji. The text stays as it is if what is needed to
 * read them is not loaded, and does not come in time.
 */
export async function expandShortcodes(text: string): Promise<string> {
  if (!mayHaveShortcodes(text)) return text;
  const late = new Promise<null>((resolve) => setTimeout(resolve, patience, null));
  // Where URLs end is part of reading them: a shortcode in one stays.
  const links = mayHaveLinks(text) ? loadChunk(loadLinkFinder) : undefined;
  const loading = Promise.all([loadEmoji(), links]).then(([emoji]) => emoji);
  const emoji = await Promise.race([loading.catch(() => null), late]);
  return emoji ? withEmoji(text, (name) => emoji.named(name)) : text;
}
