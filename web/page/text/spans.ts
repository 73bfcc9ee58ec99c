// The parts of a text in which marks have no meaning: code, URLs, and links with a label.

import { type FoundLink, findLinks, hostBehind, safeUrl } from "./links";

export type Span = CodeSpan | LinkSpan;

interface CodeSpan {
  readonly kind: "code";
  readonly end: number;
  readonly text: string;
}

interface LinkSpan {
  readonly kind: "link";
  readonly end: number;
  readonly href: string;
  /** The source of the label, null for a URL that stands in the text. */
  readonly label: string | null;
  readonly shown: string;
  readonly realHost: string | null;
}

/** The spans by their start. They don't overlap. */
export type Spans = ReadonlyMap<number, Span>;

export function findSpans(text: string): Spans {
  const spans = new Map<number, Span>();
  if (text.includes("`")) addCode(text, spans);
  const urls = findLinks(text).filter(({ start, end }) => !overlaps(spans, start, end));
  for (const { start, end, href, shown, realHost } of urls) {
    spans.set(start, { kind: "link", end, href, label: null, shown, realHost });
  }
  if (text.includes("](")) addLabelled(text, urls, spans);
  return spans;
}

/** Code begins with a run of backticks, and ends with the next run of the same length. */
function addCode(text: string, spans: Map<number, Span>): void {
  const runs = [...text.matchAll(/`+/g)].map(({ 0: run, index }) => ({ start: index, length: run.length }));
  const next = new Map<number, number>(); // the last run of a length that was seen, from the end
  const ends = runs
    .toReversed()
    .map(({ start, length }) => {
      const end = next.get(length);
      next.set(length, start);
      return end;
    })
    .toReversed();
  let at = 0;
  for (const [i, { start, length }] of runs.entries()) {
    const end = ends[i];
    if (start < at || end === undefined || text[start - 1] === "\\") continue;
    const content = text.slice(start + length, end);
    if (content.trim() === "") continue;
    at = end + length;
    spans.set(start, { kind: "code", end: at, text: unpadded(content) });
  }
}

/** Code that begins or ends with a backtick is written with a space beside it. */
function unpadded(code: string): string {
  const isPadded = code.length > 2 && code.startsWith(" ") && code.endsWith(" ") && code.trim() !== "";
  return isPadded ? code.slice(1, -1) : code;
}

function overlaps(spans: Spans, start: number, end: number): boolean {
  for (const [from, span] of spans) if (from < end && start < span.end) return true;
  return false;
}

/** Adds the links of the form [label](URL). */
function addLabelled(text: string, urls: readonly FoundLink[], spans: Map<number, Span>): void {
  const closing = closingParentheses(text);
  const open: number[] = []; // the brackets that are not closed
  for (let at = 0; at < text.length; at++) {
    const span = spans.get(at);
    if (span) {
      at = span.end - 1;
      continue;
    }
    const character = text[at];
    if (character === "\\") at++;
    else if (character === "[") open.push(at);
    else if (character === "]") {
      const start = open.pop();
      const end = text[at + 1] === "(" ? closing.get(at + 1) : undefined;
      if (start === undefined || end === undefined) continue;
      const link = labelled(text.slice(start + 1, at), text.slice(at + 2, end), end + 1);
      if (!link || misleads(urls, start, at, link.href)) continue;
      removeWithin(spans, urls, start, end);
      spans.set(start, link);
      open.length = 0; // a link is in no other
      at = end;
    }
  }
}

function labelled(label: string, url: string, end: number): LinkSpan | null {
  const href = safeUrl(url);
  if (!href || label.trim() === "") return null;
  return { kind: "link", end, href, label, shown: label, realHost: hostBehind(label, href) };
}

/** Whether there is a URL in a label that is not the one that the link leads to. */
function misleads(urls: readonly FoundLink[], start: number, end: number, href: string): boolean {
  return urls.some((url) => url.start >= start && url.end <= end && url.href !== href);
}

function removeWithin(spans: Map<number, Span>, urls: readonly FoundLink[], from: number, to: number): void {
  for (const { start } of urls)
    if (start > from && start < to && spans.get(start)?.kind === "link") spans.delete(start);
}

/** Returns, for each parenthesis that opens, the one that closes it without white space between. */
function closingParentheses(text: string): ReadonlyMap<number, number> {
  const closing = new Map<number, number>();
  const open: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    if (character === "(") open.push(at);
    else if (character === ")") {
      const start = open.pop();
      if (start !== undefined) closing.set(start, at);
    } else if (character <= " ") open.length = 0;
  }
  return closing;
}
