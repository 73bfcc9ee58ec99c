// What is kept between visits, for all tabs of the origin: the identity and the read
// cursors in localStorage, which tells the other tabs, and the outbox in IndexedDB.

import type { Cursor, Identity } from "../model";
import { type ChatStorage, isBefore, type StorageChange } from "./chat-storage";
import { OutboxDatabase } from "./outbox-database";
import { localValues } from "./stored-values";

const identityKey = "chatroom.identity";
const readCursorsKey = "chatroom.seen";
const databaseName = "chatroom";

/** How many rooms have a read cursor: as many as one call may ask about. */
const maxReadCursors = 100;

/**
 * Returns what tells services apart that pages of an origin use. It is empty for the one at the root
 * of the origin.
 */
export function storageScope(baseUrl: string, page: { readonly href: string; readonly origin: string }): string {
  const { origin, pathname } = new URL(baseUrl.replace(/\/?$/, "/"), page.href);
  if (origin !== page.origin) return ` ${baseUrl}`;
  return pathname === "/" ? "" : ` ${pathname.slice(0, -1)}`;
}

/** Returns the storage of a browser, for a scope of storageScope. */
export function browserStorage(scope: string): ChatStorage {
  const keys = { identity: identityKey + scope, cursors: readCursorsKey + scope };
  const outbox = new OutboxDatabase(databaseName + scope);
  return {
    loadIdentity: () => parseIdentity(localValues.getItem(keys.identity)),
    storeIdentity: (identity) => localValues.setItem(keys.identity, JSON.stringify(identity)),
    forgetIdentity: () => localValues.removeItem(keys.identity),
    loadReadCursors: () => new Map(parseReadCursors(localValues.getItem(keys.cursors))),
    storeReadCursor: (room, cursor) => storeReadCursor(keys.cursors, room, cursor),
    forgetReadCursor: (room) => forgetReadCursor(keys.cursors, room),
    loadOutbox: () => outbox.load(),
    storeEntry: (entry) => outbox.put(entry),
    removeEntries: (ids) => outbox.remove(ids),
    unstoredEntries: () => outbox.unstored,
    watch: (onChange) => watch(keys, onChange),
  };
}

interface Keys {
  readonly identity: string;
  readonly cursors: string;
}

function watch(keys: Keys, onChange: (change: StorageChange) => void): () => void {
  const onStorage = ({ key, oldValue, newValue }: StorageEvent) => {
    // Tabs that sign in at the same time agree on what is stored by now.
    if (key === keys.identity)
      onChange({ kind: "identity", identity: parseIdentity(localValues.getItem(keys.identity)) });
    if (key !== keys.cursors) return;
    const cursors = new Map(parseReadCursors(newValue));
    const before = parseReadCursors(oldValue);
    const left = before.length > cursors.size ? before.filter(([name]) => !cursors.has(name)) : [];
    for (const [name] of left) onChange({ kind: "left", room: name });
    const [room, cursor] = [...cursors].at(-1) ?? [];
    if (room && cursor && left.length === 0) onChange({ kind: "read", room, cursor });
  };
  window.addEventListener("storage", onStorage);
  return () => window.removeEventListener("storage", onStorage);
}

function parseIdentity(text: string | null): Identity | null {
  const stored = parse(text) as Partial<Identity> | null;
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

function storeReadCursor(storageKey: string, room: string, cursor: Cursor): void {
  const cursors = new Map(parseReadCursors(localValues.getItem(storageKey))); // other tabs store cursors as well
  if (isBefore(cursor, cursors.get(room))) return;
  cursors.delete(room);
  cursors.set(room, cursor);
  const newest = [...cursors].slice(-maxReadCursors);
  localValues.setItem(storageKey, JSON.stringify(newest, encodeBigInt));
}

function forgetReadCursor(storageKey: string, room: string): void {
  const cursors = parseReadCursors(localValues.getItem(storageKey));
  const kept = cursors.filter(([name]) => name !== room);
  if (kept.length === cursors.length) return;
  localValues.setItem(storageKey, JSON.stringify(kept, encodeBigInt));
}

function parseReadCursors(text: string | null): [string, Cursor][] {
  const stored = parse(text);
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

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "null", decodeBigInt);
  } catch {
    return null;
  }
}
