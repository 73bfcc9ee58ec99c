// The rows of the message log: messages, days, gaps and custom events.

import {
  type Auth,
  changedPost,
  type Failure,
  isOwn,
  type Member,
  type Message,
  type MessageChange,
  type PendingEntry,
  type Post,
  type Quote,
  quoteOf,
  type Reactions,
  type Rename,
  type SessionState,
} from "../../client";
import { t } from "../i18n";
import { nameList } from "./labels";

/** The longest pause within a group of messages, in milliseconds. */
const maxPause = 5 * 60_000;
/** How many members a reaction names; the others are counted. */
const maxNames = 10;
/** How much of a message is quoted, in UTF-16 units. */
export const maxQuoteLength = 200;

/** The key of the row where the unread messages begin. */
export const unreadKey = "unread";

export type Row =
  | { readonly kind: "day"; readonly key: string; readonly time: number }
  | { readonly kind: "gap"; readonly key: string }
  /** The unread messages begin here. */
  | { readonly kind: "unread"; readonly key: string }
  | { readonly kind: "renamed"; readonly key: string; readonly from: string; readonly to: string }
  | CustomRow
  | MessageRow;

/** Consecutive custom events of one type. */
export interface CustomRow {
  readonly kind: "custom";
  readonly key: string;
  readonly type: string;
  readonly count: number;
}

export interface MessageRow {
  readonly kind: "message";
  /** The same before and after a message is confirmed. */
  readonly key: string;
  readonly id: string;
  /** The position in the log, 0 while the message is in the outbox. */
  readonly sequence: bigint;
  readonly text: string;
  readonly time: number;
  readonly sender: Member;
  readonly own: boolean;
  /** Whether @room in the text means everyone: the sender moderated the room when the text was sent or edited. */
  readonly mentionsAll: boolean;
  /** Whether the row shows the sender: it begins a group of the sender's messages. */
  readonly first: boolean;
  /** "sent" for every message in the log. */
  readonly status: PendingEntry["status"];
  /** Why it was not sent; null if it did not fail. */
  readonly failure: Failure | null;
  /** The message that this one answers; null for none. */
  readonly quote: QuoteRow | null;
  /** When the text was last edited, 0 if never. */
  readonly edited: number;
  readonly reactions: readonly ReactionRow[];
  /** The change to the message that is in the outbox. A reaction is shown as if it were stored. */
  readonly pending: "edit" | "deletion" | null;
  /** The change to the message that has failed. */
  readonly failed: {
    readonly id: string;
    readonly kind: MessageChange["kind"];
    readonly failure: Failure | null;
  } | null;
}

/** A quoted message. Its text is null if it was deleted or could not be loaded. */
export interface QuoteRow {
  readonly sequence: bigint;
  readonly by: Member | null;
  readonly text: string | null;
  readonly deleted: boolean;
}

/** The reactions with one emoji. */
export interface ReactionRow {
  readonly emoji: string;
  readonly count: number;
  readonly own: boolean;
  /** Who reacted, in words. */
  readonly by: string;
}

/** The row of a message of which only the text is known. */
const plainMessage = {
  kind: "message",
  first: true,
  failure: null,
  edited: 0,
  reactions: [],
  pending: null,
  failed: null,
} as const;

/** The parts of the state that the rows show. */
export type RowsState = Pick<
  SessionState,
  "timeline" | "outbox" | "auth" | "quotes" | "presence" | "unreadStart" | "renames" | "cursor"
>;

/** Returns the rows for the timeline, and after them those for the messages in the outbox. */
export function messageRows(state: RowsState): Row[] {
  const { timeline, outbox } = state;
  const rows = new RowList();
  const self = selfOf(state);
  const changes = changesByTarget(outbox.entries);
  const members = membersById(state, self);
  const unreadAfter = unreadAfterOf(state);
  let renames = state.renames.filter(({ after }) => timeline.oldest > 0n && after >= timeline.oldest);
  for (const post of timeline.posts) {
    for (const rename of renames) if (rename.after < post.sequence) rows.addRename(rename);
    renames = renames.filter(({ after }) => after >= post.sequence);
    if (unreadAfter !== null && post.sequence > unreadAfter && !isOwn(state.auth, post)) rows.addUnread();
    if (timeline.gaps.includes(post.sequence)) rows.addGap(post.sequence);
    if (post.text === null) rows.addCustom(post);
    else rows.addMessage(postRow(state, post, changes.get(post.sequence) ?? [], self, members));
  }
  if (!timeline.newer) for (const rename of renames) rows.addRename(rename);
  for (const entry of timeline.newer ? [] : outbox.entries) {
    if (entry.body.kind === "message") rows.addMessage(outboxRow(state, entry, entry.body, self));
  }
  return rows.rows;
}

/** Returns the sequence after which the messages are unread, null if none is, or the timeline does not have the first one. */
function unreadAfterOf({ timeline, unreadStart, cursor }: RowsState): bigint | null {
  if (!unreadStart || unreadStart.after.epoch !== cursor?.epoch) return null;
  const { sequence } = unreadStart.after;
  return timeline.oldest <= sequence + 1n || !timeline.more ? sequence : null;
}

/** Adds days, and joins messages into groups. */
class RowList {
  readonly rows: Row[] = [];
  readonly #keys = new Set<string>();
  #day = 0;
  #hasUnread = false;
  /** The message that the next one may join. */
  #last: MessageRow | null = null;

  addMessage(message: MessageRow): void {
    // A client may use an id twice.
    const isDuplicate = this.#keys.has(message.key);
    const row = isDuplicate ? { ...message, key: `${message.key} ${message.time}` } : message;
    this.#keys.add(row.key);
    this.#beginDay(row.time, row.key);
    this.#last = { ...row, first: !this.#last || row.quote !== null || !isSameGroup(this.#last, row) };
    this.rows.push(this.#last);
  }

  addCustom({ sequence, time, type }: Post): void {
    this.#beginDay(time, `at ${sequence}`);
    this.#last = null;
    const last = this.rows.at(-1);
    if (last?.kind === "custom" && last.type === type) {
      this.rows[this.rows.length - 1] = { ...last, count: last.count + 1 };
    } else {
      this.rows.push({ kind: "custom", key: `custom ${sequence}`, type, count: 1 });
    }
  }

  addGap(sequence: bigint): void {
    this.rows.push({ kind: "gap", key: `gap ${sequence}` });
    this.#last = null;
  }

  addUnread(): void {
    if (this.#hasUnread) return;
    this.#hasUnread = true;
    this.rows.push({ kind: "unread", key: unreadKey });
    this.#last = null;
  }

  addRename({ after, time, from, member }: Rename): void {
    this.rows.push({ kind: "renamed", key: `renamed ${after} ${time} ${member.id}`, from, to: member.name });
    this.#last = null;
  }

  #beginDay(time: number, key: string): void {
    const day = dayNumber(time);
    if (day === this.#day) return;
    this.#day = day;
    this.rows.push({ kind: "day", key: `day ${day} ${key}`, time });
    this.#last = null;
  }
}

/** Callers without a token may be different people: their messages are never grouped. */
function isSameGroup(a: MessageRow, b: MessageRow): boolean {
  const isSameSender = a.sender.id !== "" && a.sender.id === b.sender.id && a.sender.name === b.sender.name;
  return isSameSender && b.time - a.time < maxPause;
}

/** The user, by the name that others see in the room, if that is known. */
export function selfOf({ auth, presence }: Pick<RowsState, "auth" | "presence">): Member {
  const { identity, memberIds, name } = auth;
  const self = identity?.member ?? { id: memberIds.at(-1) ?? "", name };
  return presence.self && self.id !== "" && presence.self.id === self.id ? presence.self : self;
}

type ChangeEntry = PendingEntry & { readonly body: MessageChange };

function changesByTarget(entries: readonly PendingEntry[]): Map<bigint, ChangeEntry[]> {
  const isChange = (entry: PendingEntry): entry is ChangeEntry => entry.body.kind !== "message";
  const changes = new Map<bigint, ChangeEntry[]>();
  for (const entry of entries.filter(isChange)) {
    const { target } = entry.body;
    changes.set(target, [...(changes.get(target) ?? []), entry]);
  }
  return changes;
}

function postRow(
  state: RowsState,
  post: Post,
  changes: readonly ChangeEntry[],
  self: Member,
  members: ReadonlyMap<string, Member>,
): MessageRow {
  const own = isOwn(state.auth, post);
  let now = post;
  for (const { body, time, status } of changes) {
    if (status !== "failed" && body.kind !== "deletion") now = changedPost(now, body, time, self) ?? now;
  }
  const failed = changes.find((c) => c.status === "failed");
  const pending = changes.filter((c) => c.status !== "failed").map((c) => c.body.kind);
  return {
    ...plainMessage,
    key: own ? `own ${post.id}` : `at ${post.sequence}`,
    id: post.id,
    sequence: post.sequence,
    text: now.text ?? "",
    time: post.time,
    sender: asNow(post.sender, members),
    own,
    mentionsAll: now.sender.moderator === true,
    status: "sent",
    quote: quoteRow(state, post.replyTo),
    edited: now.edited,
    reactions: reactionRows(state.auth, now.reactions, members),
    pending: pending.includes("deletion") ? "deletion" : pending.includes("edit") ? "edit" : null,
    failed: failed ? { id: failed.id, kind: failed.body.kind, failure: failed.failure } : null,
  };
}

/** Returns a sender by the name that it has now, with what is said of that name. */
function asNow(sender: Member, members: ReadonlyMap<string, Member>): Member {
  const now = members.get(sender.id);
  if (!now || (now.name === sender.name && now.mark === sender.mark)) return sender;
  return { id: sender.id, name: now.name, ...(now.mark && { mark: now.mark }) };
}

function outboxRow(state: RowsState, entry: PendingEntry, { text, replyTo }: Message, sender: Member): MessageRow {
  const { id, time, status, failure } = entry;
  return {
    ...plainMessage,
    key: `own ${id}`,
    id,
    sequence: 0n,
    text,
    time,
    sender,
    own: true,
    mentionsAll: sender.moderator === true,
    status,
    failure,
    quote: quoteRow(state, replyTo),
  };
}

function quoteRow({ quotes, timeline }: RowsState, sequence: bigint): QuoteRow | null {
  if (sequence === 0n) return null;
  const quote: Quote = quoteOf(quotes, timeline, sequence);
  if (typeof quote === "string") return { sequence, by: null, text: null, deleted: quote === "deleted" };
  return { sequence, by: quote.sender, text: quote.text?.slice(0, maxQuoteLength) ?? null, deleted: false };
}

/** The members by id, as far as they are known, by the names that they have now. */
function membersById({ timeline, presence, renames }: RowsState, self: Member): Map<string, Member> {
  const known = new Map<string, Member>();
  for (const { sender, reactions } of timeline.posts) {
    known.set(sender.id, sender);
    for (const { members } of reactions) for (const m of members) if (m.name !== "") known.set(m.id, m);
  }
  for (const { member } of renames) known.set(member.id, member);
  for (const m of presence.members ?? []) known.set(m.id, m);
  known.delete(""); // those without an id have nothing in common
  return self.id === "" ? known : known.set(self.id, self);
}

function reactionRows(
  { memberIds }: Auth,
  reactions: readonly Reactions[],
  members: ReadonlyMap<string, Member>,
): ReactionRow[] {
  return reactions.map(({ emoji, members: all }) => {
    const others = all.filter((m) => !memberIds.includes(m.id));
    const own = others.length < all.length;
    const known = others.map((m) => members.get(m.id)?.name || m.name).filter((name) => name !== "");
    const shown = known.slice(0, maxNames);
    const by = nameList(own ? [t("people.you"), ...shown] : shown, others.length - shown.length);
    return { emoji, count: all.length, own, by };
  });
}

/** Whether two rows look the same. */
export function isSameRow(a: Row, b: Row): boolean {
  return isEqual(a, b);
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b || typeof a !== "object" || typeof b !== "object" || a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => isEqual(a[k as never], b[k as never]));
}

/** The local calendar day of a time, as a number that increases. */
function dayNumber(time: number): number {
  const d = new Date(time);
  return (d.getFullYear() * 12 + d.getMonth()) * 31 + d.getDate();
}
