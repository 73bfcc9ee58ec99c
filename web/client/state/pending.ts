// What the user has sent to the room and the timeline does not have yet: the room's
// entries of the outbox, and those that are stored but not received.

import type { OutboxEntry } from "../hub/outbox-entry";
import type { Cursor, Receipt } from "../model";

/** A message or change on its way. */
export interface PendingEntry extends Pick<OutboxEntry, "id" | "body" | "time" | "failure" | "retryAfter"> {
  /** "sent" if it is in the room's log, at a position that the timeline has not reached. */
  readonly status: OutboxEntry["status"] | "sent";
  /** Its position in the log, once sent. */
  readonly at: Cursor | null;
}

export interface Pending {
  /** In the order of writing. */
  readonly entries: readonly PendingEntry[];
}

export const nothingPending: Pending = { entries: [] };

/** The outbox has changed. */
export function outboxChanged(p: Pending, entries: readonly OutboxEntry[]): Pending {
  const sent = p.entries.filter((e) => e.status === "sent");
  const unsent = entries.filter(({ id }) => !sent.some((e) => e.id === id));
  if (unsent.length === 0 && sent.length === p.entries.length) return p;
  return { entries: [...sent, ...unsent.map((e) => ({ ...e, at: null }))] };
}

/** An entry is in the room's log. */
export function markSent(
  p: Pending,
  entry: OutboxEntry,
  { epoch, sequence, time }: Receipt,
  cursor: Cursor | null,
): Pending {
  const at = { epoch, sequence };
  const sent: PendingEntry = { ...entry, status: "sent", time, at, failure: null };
  const index = p.entries.findIndex((e) => e.id === entry.id);
  const entries = index < 0 ? [...p.entries, sent] : p.entries.with(index, sent);
  return dropReceived({ entries }, cursor);
}

export function entryOf({ entries }: Pending, id: string): PendingEntry | undefined {
  return entries.find((e) => e.id === id);
}

export function dropId(p: Pending, id: string): Pending {
  return drop(p, (e) => e.id === id);
}

/** Drops the sent entries up to a cursor: the timeline contains them, or is about to. */
export function dropReceived(p: Pending, cursor: Cursor | null): Pending {
  return drop(p, ({ at }) => cursor !== null && at?.epoch === cursor.epoch && at.sequence <= cursor.sequence);
}

/** Drops the sent entries: the history that is about to be loaded contains them. */
export function dropSent(p: Pending): Pending {
  return drop(p, (e) => e.status === "sent");
}

/** What nothing is dropped from stays the same object. */
function drop(p: Pending, isDropped: (entry: PendingEntry) => boolean): Pending {
  const { entries } = p;
  return entries.some(isDropped) ? { entries: entries.filter((e) => !isDropped(e)) } : p;
}
