// What belongs to a word.

const wordCharacter = /[\p{L}\p{N}\p{M}]/u;
const withoutSpaces =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー々〆]/u;

/**
 * Whether a character is a part of a word in a language that puts spaces between words.
 * In Japanese, a word may begin or end between any two characters.
 */
export function isInWord(character: string): boolean {
  return wordCharacter.test(character) && !withoutSpaces.test(character);
}

/** Returns the character that ends before an index of a text, empty at its start. */
export function characterBefore(text: string, index: number): string {
  const last = text.charCodeAt(index - 1);
  const isLowSurrogate = last >= 0xdc00 && last <= 0xdfff;
  return text.slice(Math.max(0, index - (isLowSurrogate ? 2 : 1)), index);
}

/** Returns the character at an index of a text, empty at its end. */
export function characterAt(text: string, index: number): string {
  const code = text.codePointAt(index);
  return code === undefined ? "" : String.fromCodePoint(code);
}
