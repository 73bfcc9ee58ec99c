// Lists, of one or two levels.

import { parseInline } from "./inline";
import type { Mentionable } from "./mentions";
import type { ListBlock, ListItem } from "./tree";

const item = /^( {0,12})([-*]|\d{1,9}[.)]) {1,4}(\S.*)$/;

interface Item {
  readonly ordered: boolean;
  readonly number: number;
  /** Its lines. */
  readonly text: string[];
  readonly nested: Item[];
}

/** Whether a list may begin with a line. */
export function startsItem(line: string): boolean {
  return (item.exec(line)?.[1]?.length ?? 4) < 4;
}

/** Reads a list from its first line on. */
export function parseList(
  lines: readonly string[],
  start: number,
  mentionable: Mentionable,
): { readonly block: ListBlock; readonly next: number } {
  const items: Item[] = [];
  const base = item.exec(lines[start] as string)?.[1]?.length ?? 0;
  let at = start;
  for (; at < lines.length; at++) {
    const line = lines[at] as string;
    const isLoose = line.trim() === "" && item.test(lines[at + 1] ?? "");
    if (!isLoose && !addLine(items, line, base)) break;
    if (isLoose && !continues(items, lines[at + 1] as string, base)) break;
  }
  return { block: listOf(items, mentionable), next: at };
}

/** Adds a line to a list, or returns false if it is not a part of it. */
function addLine(items: Item[], line: string, base: number): boolean {
  const read = readItem(line);
  const last = items.at(-1);
  if (!read) {
    const target = last?.nested.at(-1) ?? last;
    if (!target || line.trim() === "" || !line.startsWith(" ".repeat(base + 2))) return false;
    if (line.trimStart().startsWith("```")) return false;
    target.text.push(line.trim());
    return true;
  }
  if (last && read.indent >= base + 2) last.nested.push(read.item);
  else if (last && last.ordered !== read.item.ordered) return false;
  else items.push(read.item);
  return true;
}

/** Whether a line after a blank one is an item of the same list. */
function continues(items: readonly Item[], line: string, base: number): boolean {
  const read = readItem(line);
  return read !== null && (read.indent >= base + 2 || read.item.ordered === items[0]?.ordered);
}

function readItem(line: string): { readonly indent: number; readonly item: Item } | null {
  const match = item.exec(line);
  if (!match) return null;
  const [, indent = "", mark = "", text = ""] = match;
  const ordered = mark.length > 1;
  return { indent: indent.length, item: { ordered, number: Number.parseInt(mark, 10) || 0, text: [text], nested: [] } };
}

function listOf(items: readonly Item[], mentionable: Mentionable): ListBlock {
  const ordered = items[0]?.ordered ?? false;
  const numbers = items.map(({ number }) => number);
  // Where the numbers don't rise, as in 1. 1. 1., the items are counted.
  const isRising = numbers.every((number, i) => i === 0 || number > (numbers[i - 1] as number));
  const first = numbers[0] ?? 1;
  return {
    kind: "list",
    ordered,
    items: items.map(
      ({ number, text, nested }, i): ListItem => ({
        number: isRising ? number : first + i,
        children: parseInline(text.join("\n"), mentionable),
        nested: runsOf(nested).map((run) => listOf(run, mentionable)),
      }),
    ),
  };
}

/** Splits items where they change between ordered and not. */
function runsOf(items: readonly Item[]): readonly (readonly Item[])[] {
  const runs: Item[][] = [];
  for (const entry of items) {
    const run = runs.at(-1);
    if (run?.[0]?.ordered === entry.ordered) run.push(entry);
    else runs.push([entry]);
  }
  return runs;
}
