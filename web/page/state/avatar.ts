// The colours and letters of members, assigned so that those who are in sight differ.

import type { Member } from "../../client";

/** How many colours there are for members. The style sheet has one rule for each. */
export const hueCount = 12;

/** How a member is told from others. */
export interface Look {
  /** The number of the colour, from 0. */
  readonly hue: number;
  /** One letter, or two where another member in sight has the same. */
  readonly letters: string;
}

/** Returns the colour that a member has if no other one has it: the same everywhere and always. */
export function memberHue(id: string): number {
  return hash(id) % hueCount;
}

/** Returns the first letter of a name, as an avatar shows it. */
export function avatarLetter(name: string): string {
  if (/^[\x20-\x7e]([\x20-\x7e]|$)/.test(name)) return name.charAt(0).toLocaleUpperCase(); // nothing combines with it
  for (const { segment } of new Intl.Segmenter().segment(name)) return segment.toLocaleUpperCase();
  return "?";
}

/**
 * Assigns a colour to each member: the one from before, otherwise its own if that is free,
 * otherwise a free one, which depends on the member. Beyond as many members as there are
 * colours, the least used ones are assigned again. The same members in any order get the same.
 */
export function assignHues(
  ids: Iterable<string>,
  before: ReadonlyMap<string, number> = new Map(),
): ReadonlyMap<string, number> {
  const members = [...new Set(ids)].filter((id) => id !== "").sort();
  const used = new Array<number>(hueCount).fill(0);
  const hues = new Map<string, number>();
  const assign = (id: string, hue: number) => {
    hues.set(id, hue);
    used[hue] = (used[hue] ?? 0) + 1;
  };
  for (const id of members) {
    const hue = before.get(id);
    if (hue !== undefined) assign(id, hue);
  }
  const isFree = (id: string) => used[memberHue(id)] === 0;
  for (const id of members) if (!hues.has(id) && isFree(id)) assign(id, memberHue(id));
  for (const id of members) if (!hues.has(id)) assign(id, leastUsed(used, hash(`${id}.`) % hueCount));
  return hues;
}

/** Returns the colour that the fewest members have, the first one from a colour on. */
function leastUsed(used: readonly number[], from: number): number {
  let best = from;
  for (let i = 1; i < hueCount; i++) {
    const hue = (from + i) % hueCount;
    if ((used[hue] ?? 0) < (used[best] ?? 0)) best = hue;
  }
  return best;
}

/** Returns the letters of each member's avatar, by id. */
export function avatarLetters(members: Iterable<Member>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { id, name } of members) if (id !== "") names.set(id, name);
  const count = new Map<string, number>();
  for (const name of names.values()) count.set(avatarLetter(name), (count.get(avatarLetter(name)) ?? 0) + 1);
  return new Map([...names].map(([id, name]) => [id, letters(name, (count.get(avatarLetter(name)) ?? 0) > 1)]));
}

/** Two letters: those of the first and the last word, or the first two. */
function letters(name: string, isShared: boolean): string {
  const first = avatarLetter(name);
  if (!isShared || /\p{Extended_Pictographic}/u.test(first)) return first;
  const words = name.trim().split(/\s+/);
  const rest = words.length > 1 ? (words.at(-1) ?? "") : name.slice(first.length);
  for (const { segment } of new Intl.Segmenter().segment(rest)) {
    return first + (words.length > 1 ? segment.toLocaleUpperCase() : segment);
  }
  return first;
}

/** FNV-1a */
function hash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
