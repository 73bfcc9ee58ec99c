// Marks of Markdown around a selection.

/** A part of a text that is replaced, and what is selected afterwards. */
export interface Replacement {
  readonly from: number;
  readonly to: number;
  readonly insert: string;
  readonly selectionStart: number;
  readonly selectionEnd: number;
}

/** The keys that format, with Ctrl or ⌘: those with Shift in upper case. */
export const formatMarks: Readonly<Record<string, string>> = { b: "**", i: "_", X: "~~" };

/** Puts marks around a selection, or removes them. White space at its ends stays outside. */
export function withMarks(text: string, start: number, end: number, mark: string): Replacement {
  const selected = text.slice(start, end);
  const from = start + (selected.length - selected.trimStart().length);
  const to = Math.max(from, end - (selected.length - selected.trimEnd().length));
  const words = text.slice(from, to);
  const n = mark.length;
  if (text.slice(from - n, from) === mark && text.slice(to, to + n) === mark && from >= n) {
    const insert = words;
    return { from: from - n, to: to + n, insert, selectionStart: from - n, selectionEnd: to - n };
  }
  if (words.length > 2 * n && words.startsWith(mark) && words.endsWith(mark)) {
    return { from, to, insert: words.slice(n, -n), selectionStart: from, selectionEnd: to - 2 * n };
  }
  return { from, to, insert: `${mark}${words}${mark}`, selectionStart: from + n, selectionEnd: to + n };
}

/** Returns a text as a fenced code block, with a fence that is longer than those in it. */
export function codeBlock(text: string, language: string): string {
  const runs = text.match(/`{3,}/g) ?? [];
  const fence = "`".repeat(Math.max(3, ...runs.map((run) => run.length + 1)));
  return `${fence}${language}\n${text.replace(/\n?$/, "\n")}${fence}`;
}
