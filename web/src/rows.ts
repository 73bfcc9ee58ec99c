// What the list of messages shows, row by row: messages, the days between them,
// and holes.

import type { Event, Member } from "./model";
import { isOurs, type Outgoing, type State } from "./turn";

/** How many colours there are for members. */
export const hues = 12;
/** How long a pause may be within a group of messages, in milliseconds. */
const pause = 5 * 60_000;

export type Row =
  | { readonly kind: "day"; readonly key: string; readonly time: number }
  | { readonly kind: "hole"; readonly key: string }
  | MessageRow;

export interface MessageRow {
  readonly kind: "message";
  /** The same before and after a message is confirmed. */
  readonly key: string;
  readonly id: string;
  readonly text: string;
  readonly time: number;
  readonly sender: Member;
  readonly ours: boolean;
  /** Whether it shows who speaks: it doesn't follow closely upon one of the same sender. */
  readonly first: boolean;
  /** Where it stands on its way; "stored" for everything that is in the log. */
  readonly status: Outgoing["status"];
  readonly problem: string;
}

/** The rows for the messages of the room, and after them those on their way. */
export function rows({ timeline, outbox, who }: Pick<State, "timeline" | "outbox" | "who">): Row[] {
  const all: Row[] = [];
  let before: MessageRow | null = null;
  let day = 0;
  const keys = new Set<string>();
  const add = (row: MessageRow) => {
    // An id that was used long ago may be used again.
    if (keys.has(row.key)) row = { ...row, key: `${row.key} ${row.time}` };
    keys.add(row.key);
    if (dayOf(row.time) !== day) {
      day = dayOf(row.time);
      all.push({ kind: "day", key: `day ${day} ${row.key}`, time: row.time });
      before = null;
    }
    before = { ...row, first: !before || !together(before, row) };
    all.push(before);
  };
  for (const e of timeline.messages) {
    if (timeline.holes.includes(e.sequence)) {
      all.push({ kind: "hole", key: `hole ${e.sequence}` });
      before = null;
    }
    add(said(e, isOurs(who, e)));
  }
  const us = who.identity?.member ?? { id: who.ids.at(-1) ?? "", name: who.name };
  for (const o of outbox) add(outgoing(o, us));
  return all;
}

function said(e: Event, ours: boolean): MessageRow {
  return {
    kind: "message", key: ours ? `our ${e.id}` : `at ${e.sequence}`, id: e.id, text: e.text ?? "",
    time: e.time, sender: e.sender, ours, first: true, status: "stored", problem: "",
  };
}

function outgoing(o: Outgoing, sender: Member): MessageRow {
  const { id, text, time, status, problem } = o;
  return { kind: "message", key: `our ${id}`, id, text, time, sender, ours: true, first: true, status, problem };
}

/** Callers without a token may be anybody: their messages are never put together. */
function together(a: MessageRow, b: MessageRow): boolean {
  return a.sender.id !== "" && a.sender.id === b.sender.id && a.sender.name === b.sender.name && b.time - a.time < pause;
}

/** The local calendar day of a time, as a number that grows. */
export function dayOf(time: number): number {
  const d = new Date(time);
  return (d.getFullYear() * 12 + d.getMonth()) * 31 + d.getDate();
}

/** A member's colour, 0 to hues - 1: the same everywhere and always. */
export function hueOf(id: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % hues;
}

/** The letter that stands for a name. */
export function initialOf(name: string): string {
  for (const { segment } of new Intl.Segmenter().segment(name)) return segment.toLocaleUpperCase();
  return "?";
}
