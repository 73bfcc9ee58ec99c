// The emoji that the service accepts, with their names and the words to search them by.

/** An emoji without a skin tone. */
export interface Emoji {
  /** The form in which the service stores it. */
  readonly emoji: string;
  /** What is typed between colons, the best known first. */
  readonly names: readonly string[];
  /** What it shows, in the language of the page. */
  readonly label: string;
}

export interface EmojiGroup {
  /** Unicode's name of the group, as "food-drink". */
  readonly key: string;
  readonly emoji: readonly Emoji[];
}

/** An emoji with what it is searched by, in lower case and without the difference of kana. */
interface Entry {
  readonly emoji: Emoji;
  readonly words: readonly string[];
  readonly text: string;
}

/** The skin tones from light to dark. */
export const skinTones = ["🏻", "🏼", "🏽", "🏾", "🏿"] as const;
export type SkinTone = (typeof skinTones)[number];

export class EmojiSet {
  readonly groups: readonly EmojiGroup[];
  readonly #byName = new Map<string, string>();
  readonly #byEmoji = new Map<string, Emoji>();
  readonly #entries: Entry[] = [];

  /**
   * Takes the groups, each with an emoji and its names on a line, and the words of each
   * emoji: its label and, after a tab, others. The words of the first list are shown;
   * those of all of them are searched.
   */
  constructor(groups: readonly { readonly key: string; readonly rows: string }[], words: readonly string[]) {
    const lists = words.map((list) => list.split("\n"));
    let index = 0;
    this.groups = groups.map(({ key, rows }) => ({
      key,
      emoji: rows.split("\n").map((row) => this.#add(row, lists, index++)),
    }));
  }

  #add(row: string, lists: readonly (readonly string[])[], index: number): Emoji {
    const [character = "", ...names] = row.split(" ");
    const words = lists.map((list) => list[index] ?? "");
    const emoji = { emoji: character, names, label: words[0]?.split("\t")[0] || names[0]?.replaceAll("_", " ") || "" };
    const text = searchable(`${names.join(" ")} ${words.join(" ")}`);
    this.#entries.push({ emoji, words: text.split(/[\s_]+/u), text });
    this.#byEmoji.set(withoutSelectors(character), emoji);
    for (const name of names) this.#byName.set(name, character);
    return emoji;
  }

  /** Returns the emoji with a name, as "tada"; undefined for none. */
  named(name: string): string | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** Returns what is known of an emoji, whatever its skin tone and style; undefined for what is none. */
  describe(emoji: string): Emoji | undefined {
    return this.#byEmoji.get(withoutSelectors(emoji)) ?? this.#byEmoji.get(withoutSelectors(withTone(emoji, null)));
  }

  /** Returns the emoji that words describe, the best first. Every word has to be found. */
  search(query: string, limit: number): Emoji[] {
    const wanted = searchable(query.replaceAll(":", " ")).split(/\s+/u).filter(Boolean);
    if (wanted.length === 0) return [];
    const found: { emoji: Emoji; rank: number }[] = [];
    for (const entry of this.#entries) {
      const rank = rankOf(entry, wanted);
      if (rank < unfound) found.push({ emoji: entry.emoji, rank });
    }
    return found
      .sort((a, b) => a.rank - b.rank)
      .slice(0, limit)
      .map(({ emoji }) => emoji);
  }
}

const unfound = 6;

/** Returns how well an emoji is described by the words: 0 is best. Of names that begin so, the shortest is. */
function rankOf({ emoji, words, text }: Entry, wanted: readonly string[]): number {
  let worst = 0;
  for (const word of wanted) {
    if (!text.includes(word)) return unfound;
    worst = Math.max(worst, rankOfWord(emoji, words, word));
  }
  return worst;
}

function rankOfWord({ names }: Emoji, words: readonly string[], word: string): number {
  if (names[0] === word) return 0;
  if (names.includes(word)) return 1;
  const begun = names.filter((name) => name.startsWith(word)).map(({ length }) => length);
  if (begun.length > 0) return 2 + Math.min(...begun) / 100;
  return words.some((other) => other.startsWith(word)) ? 4 : 5;
}

/** Lower case, compatible forms as one, and hiragana for katakana. */
function searchable(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\u30a1-\u30f6]/g, (kana) => String.fromCharCode(kana.charCodeAt(0) - 0x60));
}

/** Returns an emoji with a skin tone, or without for null. What shows no skin is as it was. */
export function withTone(emoji: string, tone: SkinTone | null): string {
  const plain = emoji.replace(/[🏻-🏿]/gu, "");
  if (tone === null) return plain;
  // Of people holding hands, the hands have no tone of their own.
  return isFamily(plain) ? plain : plain.replace(/(?!(?<=\u200d)🤝)(\p{Emoji_Modifier_Base})\ufe0f?/gu, `$1${tone}`);
}

/** Unicode has no tones for families. */
function isFamily(emoji: string): boolean {
  return emoji.replace("\ufe0f", "") === "👪" || /^[👨👩🧑](?:\u200d[👨👩🧑👦👧🧒])*\u200d[👦👧🧒]$/u.test(emoji);
}

/** Variation selectors ask for a character to be drawn as text, or as an emoji. */
function withoutSelectors(emoji: string): string {
  return emoji.replace(/[\ufe0e\ufe0f]/g, "");
}
