// What is kept between visits: the identity for all tabs, and for each tab and
// room what was not sent yet. A browser that keeps nothing is fine too.

import type { Cursor, Identity } from "../../client/model";
import type { Outgoing } from "../../client/session/step";

/** The key of the identity; other tabs are told when it changes. */
export const identityKey = "chatroom.identity";

const outboxKey = (room: string) => `chatroom.outbox.${room}`;

export function loadIdentity(): Identity | null {
  const stored = parse(() => localStorage.getItem(identityKey)) as Partial<Identity> | null;
  const { token, member, expires } = stored ?? {};
  if (typeof token !== "string" || typeof expires !== "number") return null;
  if (typeof member?.id !== "string" || typeof member.name !== "string") return null;
  return { token, member: { id: member.id, name: member.name }, expires };
}

export function keepIdentity(identity: Identity): void {
  attempt(() => localStorage.setItem(identityKey, JSON.stringify(identity)));
}

/** What is loaded may be sent again: see restore in outbox.ts. */
export function loadOutbox(room: string): Outgoing[] {
  const stored = parse(() => sessionStorage.getItem(outboxKey(room)));
  if (!Array.isArray(stored)) return [];
  return stored.filter((o): o is Outgoing => typeof o?.id === "string" && typeof o.body?.kind === "string" && typeof o.since === "number");
}

export function keepOutbox(room: string, outbox: readonly Outgoing[]): void {
  const unsent = outbox.filter((o) => o.status !== "stored");
  attempt(() => {
    if (unsent.length === 0) sessionStorage.removeItem(outboxKey(room));
    else sessionStorage.setItem(outboxKey(room), JSON.stringify(unsent, flat));
  });
}

/** Sequences are stored as text with an n behind it: JSON has no such numbers. */
function flat(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}n` : value;
}

/** Only what is a sequence by its name is read as one: a message may be "7n". */
function full(key: string, value: unknown): unknown {
  const isSequence = ["target", "replyTo", "sequence"].includes(key) && typeof value === "string" && /^\d+n$/.test(value);
  return isSequence ? BigInt(value.slice(0, -1)) : value;
}

function parse(read: () => string | null): unknown {
  try {
    return JSON.parse(read() ?? "null", full);
  } catch {
    return null;
  }
}

/** The key of what was seen; other tabs are told when it changes. */
export const seenKey = "chatroom.seen";
/** How many rooms are remembered as seen: as many as may be asked about at once. */
const seenRooms = 100;

/** What was seen last in each room, in the order of seeing. */
export function loadSeen(): Map<string, Cursor> {
  return new Map(seenIn(() => localStorage.getItem(seenKey)));
}

/** The room that was seen last and how far, by a stored value; null if it has none. */
export function lastSeen(stored: string | null): readonly [string, Cursor] | null {
  return seenIn(() => stored).at(-1) ?? null;
}

function seenIn(read: () => string | null): [string, Cursor][] {
  const stored = parse(read);
  if (!Array.isArray(stored)) return [];
  const isEntry = (e: unknown): e is [string, Cursor] =>
    Array.isArray(e) && typeof e[0] === "string" && typeof e[1]?.epoch === "string" && typeof e[1].sequence === "bigint";
  return stored.filter(isEntry);
}

/** Remembers how far a room was seen. What was seen stays seen: no cursor goes back. */
export function keepSeen(room: string, cursor: Cursor): void {
  const seen = loadSeen(); // other tabs see other rooms
  const before = seen.get(room);
  if (before?.epoch === cursor.epoch && before.sequence > cursor.sequence) return;
  seen.delete(room);
  seen.set(room, cursor);
  attempt(() => localStorage.setItem(seenKey, JSON.stringify([...seen].slice(-seenRooms), flat)));
}

function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // Storage is full or switched off: what was to be kept lives with the page.
  }
}
