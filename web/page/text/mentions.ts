// Mentions: @ and the name of a member, or @room. The composer completes them, a message
// highlights them, and notifications ask whether one means the reader.

import { characterAt, characterBefore, isInWord } from "./characters";

/** Who can be mentioned in a room, and who reads. */
export interface Mentionable {
  /** The names of the members that the page knows of: those present and those who have written. */
  readonly names: readonly string[];
  /** The reader's own name, empty without one. */
  readonly self: string;
}

export interface Mention {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly everyone: boolean;
  readonly self: boolean;
}

/** Names everyone in the room. A member with this name cannot be mentioned otherwise. */
export const everyoneName = "room";
/** How many @ of a text are looked at. */
const maxMentions = 100;

/** Names by the form in which they are compared, and their lengths, the longest first. */
interface NameIndex {
  readonly byKey: ReadonlyMap<string, string>;
  readonly lengths: readonly number[];
}

const indexes = new WeakMap<readonly string[], NameIndex>();

/** Returns a name in the form in which the service compares names. */
export function nameKey(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

function indexOf(names: readonly string[], self: string): NameIndex {
  const known = indexes.get(names);
  if (known) return self === "" || known.byKey.has(nameKey(self)) ? known : build([...names, self]);
  const index = build(names);
  indexes.set(names, index);
  return self === "" || index.byKey.has(nameKey(self)) ? index : build([...names, self]);
}

function build(names: readonly string[]): NameIndex {
  const byKey = new Map<string, string>([[everyoneName, everyoneName]]);
  const lengths = new Set([everyoneName.length]);
  for (const name of names) {
    const key = nameKey(name);
    if (name === "" || byKey.has(key)) continue;
    byKey.set(key, name);
    lengths.add(key.length).add(name.length);
  }
  return { byKey, lengths: [...lengths].sort((a, b) => b - a) };
}

/** Finds the mentions of one text. */
export class MentionFinder {
  readonly #text: string;
  readonly #index: NameIndex;
  readonly #selfKey: string;
  #left = maxMentions;

  constructor(text: string, { names, self }: Mentionable) {
    this.#text = text;
    this.#index = indexOf(names, self);
    this.#selfKey = self === "" ? "" : nameKey(self);
  }

  /** Returns the mention that begins with the @ at an index: the longest name that is not a part of a word. */
  at(start: number): Mention | null {
    const text = this.#text;
    if (text[start] !== "@" || this.#left <= 0 || isInWord(characterBefore(text, start))) return null;
    this.#left--;
    for (const length of this.#index.lengths) {
      const end = start + 1 + length;
      if (end > text.length) continue;
      const key = nameKey(text.slice(start + 1, end));
      const name = this.#index.byKey.get(key);
      if (name === undefined || !endsAt(text, end)) continue;
      const everyone = key === everyoneName;
      return { start, end, name, everyone, self: everyone || key === this.#selfKey };
    }
    return null;
  }
}

/** Whether a name may end at an index: what follows is not more of the same word. */
function endsAt(text: string, end: number): boolean {
  const next = characterAt(text, end);
  if (/^(?:\p{M}|\u200d)/u.test(next)) return false;
  return !isInWord(next) || !isInWord(characterBefore(text, end));
}
