// How much of the longest message a text takes.

import { codePoints, maxTextLength, normalizeText } from "../../client";

/** What is left is shown from this many characters on. */
const showRestFrom = 200;
/**
 * The longest text that is counted, and that is put into a field at once, in UTF-16 units. The
 * browser takes seconds to lay out a megabyte.
 */
export const maxInserted = 8 * maxTextLength;

/** What is said of the length of a text: nothing, how much is left, or how much is too much. */
export type TextLength =
  | { readonly kind: "fits" }
  | { readonly kind: "nearLimit"; readonly left: number }
  /** about: whether the number is rounded, as counting would take too long for each key. */
  | { readonly kind: "over"; readonly by: number; readonly about: boolean };

/** Returns what to say of the length of a text. A long one is not read. */
export function textLength(text: string): TextLength {
  if (text.length < maxTextLength - showRestFrom) return { kind: "fits" };
  if (text.length > maxInserted) {
    return { kind: "over", by: Math.ceil((text.length - maxTextLength) / 1000) * 1000, about: true };
  }
  const left = maxTextLength - codePoints(normalizeText(text));
  if (left > showRestFrom) return { kind: "fits" };
  return left < 0 ? { kind: "over", by: -left, about: false } : { kind: "nearLimit", left };
}

/** Returns the beginning of a text that is as long as a message may be, without a character that is cut in half. */
export function cutToLimit(text: string): string {
  if (text.length <= maxTextLength) return text;
  let end = 0;
  let n = 0;
  const beginning = text.slice(0, 2 * maxTextLength + 64);
  for (const { segment } of new Intl.Segmenter().segment(beginning)) {
    n += codePoints(segment);
    if (n > maxTextLength) break;
    end += segment.length;
  }
  return text.slice(0, end);
}
