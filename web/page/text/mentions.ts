// Mentions: @ and the name of a member, or @room. The composer completes them, a message
// highlights them, and notifications ask whether one means the reader.

import { characterAt, characterBefore, isInWord } from "./characters";

/** Who can be mentioned in a room, and who reads. */
export interface Mentionable {
  /** The names of the members that the page knows of: those present and those who have written. */
  readonly names: readonly string[];
  /** The reader's own name, empty without one. */
  readonly self: string;
  /** Whether the writer may mention everyone in the room: otherwise @room is a word like others. */
  readonly everyone: boolean;
}

export interface Mention {
  readonly start: number;
  readonly end: number;
  readonly name: string;
  readonly everyone: boolean;
  readonly self: boolean;
}

/** Names everyone in the room, where the writer may: a member with this name is not mentioned then. */
const everyoneName = "room";
/** How many @ of a text are looked at. */
const maxMentions = 100;

/** Names by the form in which they are compared, and their lengths, the longest first. */
interface NameIndex {
  readonly byKey: ReadonlyMap<string, string>;
  readonly lengths: readonly number[];
}

type Indexes = WeakMap<readonly string[], NameIndex>;

/** Of the names that were looked up, for writers who may mention everyone and for others. */
const indexes: { readonly all: Indexes; readonly members: Indexes } = { all: new WeakMap(), members: new WeakMap() };

/** Returns a name in the form in which the service compares names. */
function nameKey(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

function indexOf({ names, self, everyone }: Mentionable): NameIndex {
  const kept = everyone ? indexes.all : indexes.members;
  const index = kept.get(names) ?? build(names, everyone);
  kept.set(names, index);
  return self === "" || index.byKey.has(nameKey(self)) ? index : build([...names, self], everyone);
}

function build(names: readonly string[], everyone: boolean): NameIndex {
  const byKey = new Map<string, string>();
  const lengths = new Set<number>();
  for (const name of everyone ? [everyoneName, ...names] : names) {
    const key = nameKey(name);
    if (name === "" || byKey.has(key)) continue;
    byKey.set(key, name);
    lengths.add(key.length).add(name.length).add(name.normalize("NFD").length);
  }
  return { byKey, lengths: [...lengths].sort((a, b) => b - a) };
}

/** Finds the mentions of one text. */
export class MentionFinder {
  readonly #text: string;
  readonly #index: NameIndex;
  readonly #selfKey: string;
  readonly #mayBeEveryone: boolean;
  #left = maxMentions;

  constructor(text: string, mentionable: Mentionable) {
    const { self, everyone } = mentionable;
    this.#text = text;
    this.#index = indexOf(mentionable);
    this.#selfKey = self === "" ? "" : nameKey(self);
    this.#mayBeEveryone = everyone;
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
      const everyone = this.#mayBeEveryone && key === everyoneName;
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
