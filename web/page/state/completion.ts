// What is completed while the user writes: names after "@", emoji after ":" and
// commands after "/" at the start.

import type { Member } from "../../client";
import { characterBefore, isInWord } from "../text/characters";

/** A word before the caret that may be completed. */
export interface Query {
  readonly kind: "mention" | "emoji" | "command";
  /** Where the word begins in the text, its first character included. */
  readonly start: number;
  /** What is written after the first character. */
  readonly words: string;
}

/** What is offered. */
export interface Option {
  readonly key: string;
  /** What takes the place of the word. */
  readonly insert: string;
  readonly label: string;
  /** What stands beside the label; empty for nothing. */
  readonly hint: string;
  /** What stands before it: an emoji; empty for nothing. */
  readonly emoji: string;
}

/** How many are offered at once. */
export const maxOptions = 8;
/** The longest word that is completed, in UTF-16 units: names may contain spaces. */
const maxWords = 40;
/** How many words a name may have while it is being written. */
const maxNameWords = 3;

/**
 * Returns what may be completed at the caret, null for nothing. It reads only a few
 * characters before the caret, however long the text is.
 */
export function queryAt(text: string, caret: number): Query | null {
  if (text[0] === "/" && caret <= maxWords) {
    const words = text.slice(1, caret);
    if (caret > 0 && /^[a-z]*$/i.test(words)) return { kind: "command", start: 0, words };
  }
  for (let at = caret - 1; at >= 0 && at >= caret - maxWords - 1; at--) {
    const character = text[at];
    if (character === "\n") return null;
    if (character !== "@" && character !== ":") continue;
    const before = characterBefore(text, at);
    const words = text.slice(at + 1, caret);
    if (character === "@")
      return isMentionStart(before) && isPartOfName(words) ? { kind: "mention", start: at, words } : null;
    // A colon is a usual character: two letters have to follow, or one of a script with many, and no letter precedes.
    const isName = /^[a-z0-9_+-]{2,}$/i.test(words) || /^[^\p{ASCII}\P{L}]\p{L}*$/u.test(words);
    return isName && !isInWord(before) && before !== ":" && before !== "/" ? { kind: "emoji", start: at, words } : null;
  }
  return null;
}

/** An address of mail is no mention. */
function isMentionStart(before: string): boolean {
  return !isInWord(before) && before !== "@" && before !== "/";
}

function isPartOfName(words: string): boolean {
  return !words.startsWith(" ") && !words.endsWith("  ") && words.split(" ").length <= maxNameWords;
}

/**
 * Returns the members that a mention may mean, the best first: those whose name begins
 * with the words, then those with a word in the name that does.
 */
export function matchingMembers(words: string, members: readonly Member[], limit = maxOptions): Member[] {
  const wanted = folded(words);
  const ranked = members.flatMap((member) => {
    const name = folded(member.name);
    const rank = name.startsWith(wanted) ? 0 : name.split(/[\s._-]+/u).some((part) => part.startsWith(wanted)) ? 1 : 2;
    return rank < 2 ? [{ member, rank }] : [];
  });
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ member }) => member);
}

/** Case, accents and the width of letters make no difference. */
function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * Returns whom the user may mean: who has written here last, the newest first, and
 * then who else is here. Names are not repeated, and one's own is the last.
 */
export function mentionable(
  senders: readonly Member[],
  present: readonly Member[],
  ownIds: readonly string[],
): Member[] {
  const byName = new Map<string, Member>();
  const all = [...senders.toReversed(), ...present].filter(({ id, name }) => id !== "" && name !== "");
  const isOwn = ({ id }: Member) => ownIds.includes(id);
  for (const member of [...all.filter((m) => !isOwn(m)), ...all.filter(isOwn)]) {
    if (!byName.has(member.name)) byName.set(member.name, member);
  }
  return [...byName.values()];
}
