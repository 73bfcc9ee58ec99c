import type { OutboxEntry } from "../hub/outbox-entry";
import type { Cursor, Identity } from "../model";

/**
 * What is kept between visits. Storage that fails is no error for its callers: then
 * it lasts as long as the program.
 */
export interface ChatStorage {
  loadIdentity(): Identity | null;
  storeIdentity(identity: Identity): void;
  forgetIdentity(): void;
  /** How far each room was read, the most recently read one last. */
  loadReadCursors(): ReadonlyMap<string, Cursor>;
  /** A cursor never goes back. */
  storeReadCursor(room: string, cursor: Cursor): void;
  /** The user has left a room. */
  forgetReadCursor(room: string): void;
  /** The unsent messages of all rooms, in the order in which they were added. */
  loadOutbox(): Promise<readonly OutboxEntry[]>;
  /** Adds an entry at the end, or replaces the one with the same id. */
  storeEntry(entry: OutboxEntry): void;
  removeEntries(ids: readonly string[]): void;
  /** The ids of the entries that this program has added and that end with it. Without it, there are none. */
  unstoredEntries?(): ReadonlySet<string>;
  /**
   * Calls back when another tab stores an identity or a read cursor, or forgets a cursor. The
   * function that it returns ends that.
   */
  watch(onChange: (change: StorageChange) => void): () => void;
}

export type StorageChange =
  | { readonly kind: "identity"; readonly identity: Identity | null }
  | { readonly kind: "read"; readonly room: string; readonly cursor: Cursor }
  | { readonly kind: "left"; readonly room: string };

/** Returns a storage that lasts as long as the program. */
export function memoryStorage(): ChatStorage {
  let identity: Identity | null = null;
  const cursors = new Map<string, Cursor>();
  const outbox = new Map<string, OutboxEntry>();
  return {
    loadIdentity: () => identity,
    storeIdentity: (stored) => {
      identity = stored;
    },
    forgetIdentity: () => {
      identity = null;
    },
    loadReadCursors: () => cursors,
    storeReadCursor: (room, cursor) => {
      if (isBefore(cursor, cursors.get(room))) return;
      cursors.delete(room);
      cursors.set(room, cursor);
    },
    forgetReadCursor: (room) => void cursors.delete(room),
    loadOutbox: async () => [...outbox.values()],
    storeEntry: (entry) => void outbox.set(entry.id, entry),
    removeEntries: (ids) => {
      for (const id of ids) outbox.delete(id);
    },
    unstoredEntries: () => new Set(outbox.keys()),
    watch: () => () => {},
  };
}

/** Whether a cursor is before another one in the same log. */
export function isBefore(cursor: Cursor, other: Cursor | undefined): boolean {
  return other?.epoch === cursor.epoch && cursor.sequence < other.sequence;
}
