// How many messages the beginning of the timeline lacks. Sequences do not tell: they count
// changes to messages as well, and in a cluster the events of other rooms. The list of rooms
// tells how many messages were ever stored in the room up to a head.

import type { Cursor, RoomSummary } from "../model";
import type { Timeline } from "./timeline";

/** How many messages were ever stored in the room up to the event with the sequence head. */
export type MessageCount = Pick<RoomSummary, "head" | "messages">;

/** The counts that the list of rooms has given. */
export interface MessageCounts {
  readonly latest: MessageCount | null;
  /** The newest one before it of events that were received; null if there is none. */
  readonly received: MessageCount | null;
}

export const noCounts: MessageCounts = { latest: null, received: null };

/** The list of rooms has another count. */
export function countTaken(counts: MessageCounts, latest: MessageCount, cursor: Cursor | null): MessageCounts {
  return { latest, received: receivedCount(counts, cursor) };
}

/** Returns how many messages were ever stored up to the cursor, or null if that is not known. */
export function messagesUpTo(counts: MessageCounts, t: Timeline, cursor: Cursor | null): bigint | null {
  const count = receivedCount(counts, cursor);
  if (!count || !cursor) return null;
  const isWhole =
    !t.newer && t.oldest > 0n && t.oldest <= count.head + 1n && t.gaps.every((sequence) => sequence <= count.head);
  if (count.head < cursor.sequence && !isWhole) return null;
  const later = t.posts.filter((post) => post.text !== null && post.sequence > count.head);
  return count.messages + BigInt(later.length);
}

/**
 * Counts what is not retained of the messages before a timeline that begins where the log
 * does. Messages that were deleted do not count, as far as their deletions are retained.
 */
export function countMissing(t: Timeline, { latest }: MessageCounts, cursor: Cursor | null): Timeline {
  const isDone = t.reset ? t.reset.missed !== null || t.reset.before === null : t.missing !== null;
  if (isDone || t.more || !cursor) return t;
  if (t.newer) return t.oldest === 1n && !t.reset ? { ...t, missing: 0 } : t; // what comes later counts as well
  // Sequences begin with 1, and the head of an empty log is 0.
  if (!t.reset && (t.oldest === 1n || cursor.sequence === 0n)) return { ...t, missing: 0 };
  const isOfTimeline = latest && latest.head <= cursor.sequence && latest.head >= (t.oldest || cursor.sequence);
  if (!isOfTimeline || t.gaps.length > 0) return t;
  const after = t.reset?.after ?? 0n;
  const kept = t.posts.filter((post) => post.text !== null && post.sequence <= latest.head);
  const deleted = t.deletions.filter(({ sequence, target }) => sequence <= latest.head && target > after);
  const missing = Number(latest.messages - (t.reset?.before ?? 0n)) - kept.length - deleted.length;
  const missed = Math.max(0, missing);
  return t.reset ? { ...t, reset: { ...t.reset, missed } } : { ...t, missing: missed };
}

function receivedCount({ latest, received }: MessageCounts, cursor: Cursor | null): MessageCount | null {
  return latest && cursor && latest.head <= cursor.sequence ? latest : received;
}
