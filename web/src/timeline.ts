// The part of a room's log that the page shows: a run of events without holes,
// unless a hole was accepted and marked.

import type { Event } from "./model";

/** How many messages are kept while the newest ones are read. */
export const keepFollowing = 1_000;
/** How many messages are kept while older ones are read. */
export const keepReading = 5_000;

/** The messages shown, oldest first. */
export interface Timeline {
  readonly messages: readonly Event[];
  /** The sequence of the oldest event that was read, 0 before the first. */
  readonly oldest: bigint;
  /** Whether there is something before it. */
  readonly more: boolean;
  /** The sequences of messages before which something is missing. */
  readonly holes: readonly bigint[];
}

export const empty: Timeline = { messages: [], oldest: 0n, more: false, holes: [] };

/** Adds the newest event, which must come after all others. */
export function append(t: Timeline, e: Event, afterHole = false): Timeline {
  const first = t.oldest === 0n;
  return {
    messages: e.text === null ? t.messages : [...t.messages, e],
    oldest: first ? e.sequence : t.oldest,
    more: first ? e.previous > 0n : t.more,
    holes: afterHole ? [...t.holes, e.sequence] : t.holes,
  };
}

/** Adds a page of older events. Events that are there already are skipped. */
export function prepend(t: Timeline, page: readonly Event[], more: boolean): Timeline {
  const older = page.filter((e) => t.oldest === 0n || e.sequence < t.oldest);
  const first = older[0];
  return {
    ...t,
    messages: [...older.filter((e) => e.text !== null), ...t.messages],
    oldest: first ? first.sequence : t.oldest,
    more,
  };
}

/** Drops the oldest messages until at most `keep` are left; they can be read again. */
export function trim(t: Timeline, keep: number): Timeline {
  // Some slack, so that not every message moves all others.
  if (t.messages.length <= keep + keep / 10) return t;
  const messages = t.messages.slice(-keep);
  const oldest = messages[0]!.sequence;
  return { messages, oldest, more: true, holes: t.holes.filter((h) => h >= oldest) };
}
