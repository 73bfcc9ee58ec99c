// The contract's bounds, checked before anything is sent. The server checks them
// again, and its answer is the one that counts.

/** The longest text of a message, in code points. */
export const maxTextLength = 4_000;
/** The longest name of a member, in characters as people count (grapheme clusters). */
export const maxNameLength = 40;
/** The longest name of a member in UTF-8, in bytes. */
export const maxNameBytes = 640;

/** The number of code points in a text. */
export function codePoints(text: string): number {
  let n = 0;
  for (const _ of text) n++;
  return n;
}

/**
 * Returns a text as it is sent: without white space at the end and blank lines at
 * the start. Lone surrogates, which UTF-8 cannot encode, are replaced.
 */
export function normalizeText(text: string): string {
  // Not an expression that ends in $, which tries again at each space of a run: 80,000 spaces
  // inside a text took it 9 s.
  let end = text.length;
  while (end > 0 && isSpace.test(text[end - 1] as string)) end--;
  return text
    .slice(0, end)
    .replace(/^\p{White_Space}*\n/u, "")
    .replace(/\p{Surrogate}/gu, "\ufffd");
}

const isSpace = /^\p{White_Space}$/u;

/** Whether the contract accepts a text as a message. The server knows more characters that show nothing. */
export function isValidText(text: string): boolean {
  // A code point has at most two units: a long text is not read to its end.
  if (text.length > 2 * maxTextLength) return false;
  const isVisible = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\u2800\ufffc]/u.test(text);
  return isVisible && (text.length <= maxTextLength || codePoints(text) <= maxTextLength);
}

/** Whether a name has a valid length. The server decides which characters are allowed. */
export function isValidName(name: string): boolean {
  const trimmed = name.trim();
  // A character has at least one unit. Segmenting takes a browser 10 ms the first time.
  if (trimmed.length <= maxNameLength) return trimmed !== "";
  return [...new Intl.Segmenter().segment(trimmed)].length <= maxNameLength;
}

/** Returns the name of a room in lower case, or null if it is not valid. */
export function validRoomName(name: string): string | null {
  const lower = name.toLowerCase();
  return /^[a-z0-9._-]{1,64}$/.test(lower) ? lower : null;
}
