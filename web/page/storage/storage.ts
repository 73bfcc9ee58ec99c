// What is kept between visits: the identity and the read cursors for all tabs, and
// the unsent messages for each tab and room. Storage that is full or disabled is no
// error: then it lasts as long as the page.

import type { Cursor, Identity, OutboxEntry } from "../../client";

/** The keys under which other tabs store what this one wants to know, too. */
export const identityKey = "chatroom.identity";
export const readCursorsKey = "chatroom.seen";

const outboxKey = (room: string) => `chatroom.outbox.${room}`;

/** How many rooms have a read cursor: as many as one call may ask about. */
const maxReadCursors = 100;

export function loadIdentity(): Identity | null {
  const stored = parse(() => localStorage.getItem(identityKey)) as Partial<Identity> | null;
  const { token, member, expires, account } = stored ?? {};
  if (typeof token !== "string" || typeof expires !== "number") return null;
  if (typeof member?.id !== "string" || typeof member.name !== "string") return null;
  const identity = { token, member: { id: member.id, name: member.name }, expires };
  const formerIds = account?.formerIds;
  return Array.isArray(formerIds) ? { ...identity, account: { formerIds: formerIds.filter(isString) } } : identity;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

export function storeIdentity(identity: Identity): void {
  attempt(() => localStorage.setItem(identityKey, JSON.stringify(identity)));
}

export function forgetIdentity(): void {
  attempt(() => localStorage.removeItem(identityKey));
}

export function loadOutbox(room: string): OutboxEntry[] {
  const stored = parse(() => sessionStorage.getItem(outboxKey(room)));
  return Array.isArray(stored) ? stored.filter(isOutboxEntry) : [];
}

function isOutboxEntry(e: Partial<OutboxEntry> | null): e is OutboxEntry {
  return typeof e?.id === "string" && typeof e.body?.kind === "string" && typeof e.since === "number";
}

export function storeOutbox(room: string, entries: readonly OutboxEntry[]): void {
  const unsent = entries.filter((e) => e.status !== "stored");
  attempt(() => {
    if (unsent.length === 0) sessionStorage.removeItem(outboxKey(room));
    else sessionStorage.setItem(outboxKey(room), JSON.stringify(unsent, encodeBigInt));
  });
}

/** Returns how far each room was read, the most recently read one last. */
export function loadReadCursors(): Map<string, Cursor> {
  return new Map(parseReadCursors(() => localStorage.getItem(readCursorsKey)));
}

/** Returns the most recently read room in a stored value, and how far it was read. */
export function latestReadCursor(stored: string | null): readonly [string, Cursor] | null {
  return parseReadCursors(() => stored).at(-1) ?? null;
}

/** Stores how far a room was read. A cursor never goes back. */
export function storeReadCursor(room: string, cursor: Cursor): void {
  const cursors = loadReadCursors(); // other tabs store cursors as well
  const before = cursors.get(room);
  if (before?.epoch === cursor.epoch && before.sequence > cursor.sequence) return;
  cursors.delete(room);
  cursors.set(room, cursor);
  const newest = [...cursors].slice(-maxReadCursors);
  attempt(() => localStorage.setItem(readCursorsKey, JSON.stringify(newest, encodeBigInt)));
}

function parseReadCursors(read: () => string | null): [string, Cursor][] {
  const stored = parse(read);
  return Array.isArray(stored) ? stored.filter(isReadCursor) : [];
}

function isReadCursor(e: unknown): e is [string, Cursor] {
  if (!Array.isArray(e) || typeof e[0] !== "string") return false;
  return typeof e[1]?.epoch === "string" && typeof e[1].sequence === "bigint";
}

/** JSON has no 64-bit integers: a sequence is stored as text that ends in n. */
function encodeBigInt(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

/** Only properties that are sequences are decoded: the text of a message may be "7n". */
function decodeBigInt(key: string, value: unknown): unknown {
  const isSequence =
    ["target", "replyTo", "sequence"].includes(key) && typeof value === "string" && /^\d+n$/.test(value);
  return isSequence ? BigInt(value.slice(0, -1)) : value;
}

function parse(read: () => string | null): unknown {
  try {
    return JSON.parse(read() ?? "null", decodeBigInt);
  } catch {
    return null;
  }
}

function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // Storage is full or disabled.
  }
}
