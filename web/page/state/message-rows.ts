// What the list of messages shows, row by row: messages, the days between them,
// and holes.

import { changed, type Post } from "../../client/state/posts";
import type { Change, Member, Reactions } from "../../client/model";
import { quoteOf, type Quote } from "../../client/state/quotes";
import { isOurs, type Outgoing, type State } from "../../client/session/step";

/** How many colours there are for members. */
export const hues = 12;
/** How long a pause may be within a group of messages, in milliseconds. */
const pause = 5 * 60_000;
/** How many members a reaction names; the others are counted. */
const named = 10;
/** How much of a message is quoted, in UTF-16 units. */
const quoted = 200;

export type Row =
  | { readonly kind: "day"; readonly key: string; readonly time: number }
  | { readonly kind: "hole"; readonly key: string }
  | AppRow
  | MessageRow;

/** Events of an application's own kind, one after the other. */
export interface AppRow {
  readonly kind: "app";
  readonly key: string;
  readonly type: string;
  readonly count: number;
}

export interface MessageRow {
  readonly kind: "message";
  /** The same before and after a message is confirmed. */
  readonly key: string;
  readonly id: string;
  /** Its place in the log, 0 while it is on its way. */
  readonly sequence: bigint;
  readonly text: string;
  readonly time: number;
  readonly sender: Member;
  readonly ours: boolean;
  /** Whether it shows who speaks: it doesn't follow closely upon one of the same sender. */
  readonly first: boolean;
  /** Where it stands on its way; "stored" for everything that is in the log. */
  readonly status: Outgoing["status"];
  readonly problem: string;
  /** What it answers; null for nothing. */
  readonly quote: QuoteRow | null;
  /** When it was last edited, 0 if it was not. */
  readonly edited: number;
  readonly chips: readonly Chip[];
  /** What is being done to it here and not stored yet; a reaction is shown as if it were. */
  readonly doing: "edit" | "deletion" | null;
  /** What could not be done to it. */
  readonly failure: { readonly id: string; readonly kind: Change["kind"]; readonly problem: string } | null;
}

/** A quoted message. Without a text it is gone, or was not read. */
export interface QuoteRow {
  readonly sequence: bigint;
  readonly by: Member | null;
  readonly text: string | null;
  readonly gone: boolean;
}

/** A reaction and who gave it, in words. */
export interface Chip {
  readonly emoji: string;
  readonly count: number;
  readonly ours: boolean;
  readonly by: string;
}

export type Shown = Pick<State, "timeline" | "outbox" | "who" | "quotes" | "people">;

/** The rows for the messages of the room, and after them those on their way. */
export function rows(state: Shown): Row[] {
  const { timeline, outbox, who } = state;
  const all: Row[] = [];
  let before: MessageRow | null = null;
  let day = 0;
  const keys = new Set<string>();
  const begin = (time: number, key: string) => {
    if (dayOf(time) === day) return;
    day = dayOf(time);
    all.push({ kind: "day", key: `day ${day} ${key}`, time });
    before = null;
  };
  const add = (row: MessageRow) => {
    // An id that was used long ago may be used again.
    if (keys.has(row.key)) row = { ...row, key: `${row.key} ${row.time}` };
    keys.add(row.key);
    begin(row.time, row.key);
    before = { ...row, first: !before || row.quote !== null || !together(before, row) };
    all.push(before);
  };
  const us = who.identity?.member ?? { id: who.ids.at(-1) ?? "", name: who.name };
  const doing = doings(outbox);
  const names = namesIn(state, us);
  for (const post of timeline.posts) {
    if (timeline.holes.includes(post.sequence)) {
      all.push({ kind: "hole", key: `hole ${post.sequence}` });
      before = null;
    }
    if (post.text === null) {
      begin(post.time, `at ${post.sequence}`);
      addApp(all, post);
      before = null;
    } else {
      add(said(state, post, doing.get(post.sequence) ?? [], us, names));
    }
  }
  for (const o of outbox) if (o.body.kind === "message") add(outgoing(state, o, o.body, us));
  return all;
}

function addApp(all: Row[], { sequence, type }: Post): void {
  const last = all.at(-1);
  if (last?.kind === "app" && last.type === type) all[all.length - 1] = { ...last, count: last.count + 1 };
  else all.push({ kind: "app", key: `app ${sequence}`, type, count: 1 });
}

type Doing = Outgoing & { readonly body: Change };

/** What is done to messages here, by the message. */
function doings(outbox: readonly Outgoing[]): Map<bigint, Doing[]> {
  const all = new Map<bigint, Doing[]>();
  for (const o of outbox) {
    if (o.body.kind === "message") continue;
    const { target } = o.body;
    all.set(target, [...(all.get(target) ?? []), o as Doing]);
  }
  return all;
}

function said(state: Shown, post: Post, doing: readonly Doing[], us: Member, names: ReadonlyMap<string, string>): MessageRow {
  const ours = isOurs(state.who, post);
  let now = post;
  for (const { body, time, status } of doing) {
    if (status !== "failed" && body.kind !== "deletion") now = changed(now, body, time, us) ?? now;
  }
  const failed = doing.find((o) => o.status === "failed");
  const pending = doing.filter((o) => o.status !== "failed").map((o) => o.body.kind);
  return {
    kind: "message", key: ours ? `our ${post.id}` : `at ${post.sequence}`, id: post.id, sequence: post.sequence,
    text: now.text ?? "", time: post.time, sender: post.sender, ours, first: true, status: "stored", problem: "",
    quote: quoteRow(state, post.replyTo), edited: now.edited, chips: chips(state, now.reactions, names),
    doing: pending.includes("deletion") ? "deletion" : pending.includes("edit") ? "edit" : null,
    failure: failed ? { id: failed.id, kind: failed.body.kind, problem: failed.problem } : null,
  };
}

function outgoing(state: Shown, o: Outgoing, { text, replyTo }: { text: string; replyTo: bigint }, sender: Member): MessageRow {
  const { id, time, status, problem } = o;
  return {
    kind: "message", key: `our ${id}`, id, sequence: 0n, text, time, sender, ours: true, first: true, status, problem,
    quote: quoteRow(state, replyTo), edited: 0, chips: [], doing: null, failure: null,
  };
}

function quoteRow(state: Shown, sequence: bigint): QuoteRow | null {
  if (sequence === 0n) return null;
  const quote: Quote = quoteOf(state, sequence);
  if (quote === "gone" || quote === "unread") return { sequence, by: null, text: null, gone: quote === "gone" };
  return { sequence, by: quote.sender, text: quote.text?.slice(0, quoted) ?? null, gone: false };
}

/** Names of members by id, as far as they were met. */
function namesIn({ timeline, people }: Shown, us: Member): Map<string, string> {
  const names = new Map<string, string>();
  for (const { sender, reactions } of timeline.posts) {
    names.set(sender.id, sender.name);
    for (const { members } of reactions) for (const m of members) if (m.name !== "") names.set(m.id, m.name);
  }
  for (const m of people.members ?? []) names.set(m.id, m.name);
  return names.set(us.id, us.name);
}

function chips({ who }: Shown, reactions: readonly Reactions[], names: ReadonlyMap<string, string>): Chip[] {
  return reactions.map(({ emoji, members }) => {
    const others = members.filter((m) => !who.ids.includes(m.id));
    const ours = others.length < members.length;
    const known = others.map((m) => names.get(m.id) || m.name).filter((name) => name !== "");
    const shown = [...(ours ? ["you"] : []), ...known.slice(0, named)];
    const rest = members.length - shown.length - (ours ? members.length - others.length - 1 : 0);
    return { emoji, count: members.length, ours, by: listing(shown, rest) };
  });
}

/** Names in a sentence, and how many more there are. */
export function listing(names: readonly string[], more: number): string {
  const rest = more === 1 ? "1 other" : `${more} others`;
  if (names.length === 0) return more === 1 ? "1 person" : `${more} people`;
  const all = more > 0 ? [...names, rest] : names;
  return all.length === 1 ? all[0]! : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}

/** Whether two rows look the same. */
export function alike(a: Row, b: Row): boolean {
  if (a === b) return true;
  const keys = Object.keys(a) as (keyof Row)[];
  return a.kind === b.kind && keys.every((k) => same(a[k], b[k]));
}

function same(a: unknown, b: unknown): boolean {
  if (a === b || typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => same(a[k as never], b[k as never]));
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
