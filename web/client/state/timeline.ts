// The timeline: a contiguous range of the room's log. A gap in it is marked. It ends with
// the log, unless the reader went to older messages that are far away.

import type { Event } from "../model";
import { applyChange, changeOf, type Post, postOf } from "./posts";

/** How many posts are kept while the newest ones are shown. */
export const keepAtEnd = 1_000;
/** How many posts are kept while older ones are shown. */
export const keepScrolledBack = 2_000;

export interface Timeline {
  /** Oldest first. */
  readonly posts: readonly Post[];
  /** The sequence of the oldest event that was read, 0 before the first. */
  readonly oldest: bigint;
  /** Whether there are events before it. */
  readonly more: boolean;
  /** Whether there are events after its end, which newer pages bring. Then the stream adds none to it. */
  readonly newer: boolean;
  /** The sequence up to which it goes while there are newer events; 0 otherwise. */
  readonly newest: bigint;
  /** How many messages before the oldest event are not retained; null if that is not known, or there are more to read. */
  readonly missing: number | null;
  /** Whether there were events before its beginning, which were deleted or are not retained. */
  readonly cut: boolean;
  /** The deletions that were read. */
  readonly deletions: readonly DeletionAt[];
  /** The sequences of the posts before which events are missing. */
  readonly gaps: readonly bigint[];
  /** The log was reset: what is before the oldest event is not retained. */
  readonly reset: Reset | null;
  /**
   * The changes that were received while a page is being loaded, null while none
   * is. The page may be older than they are, and contain the messages they change.
   */
  readonly changesDuringLoad: readonly Event[] | null;
}

/** The deletion of the message target, and its own place in the log. */
interface DeletionAt {
  readonly sequence: bigint;
  readonly target: bigint;
}

/** What is known of a reset of the log. */
export interface Reset {
  /** Whether the log is another one: everything before it is gone. */
  readonly newLog: boolean;
  /** The sequence of the last event that was received before, 0 for none. */
  readonly after: bigint;
  /** How many messages were ever stored up to the last event before; null if that is not known. */
  readonly before: bigint | null;
  /** How many messages were not received and are not retained; null if that is not known. */
  readonly missed: number | null;
}

export const emptyTimeline: Timeline = {
  posts: [],
  oldest: 0n,
  more: false,
  newer: false,
  newest: 0n,
  missing: null,
  cut: false,
  deletions: [],
  gaps: [],
  reset: null,
  changesDuringLoad: null,
};

/** Whether the timeline has the event with a sequence, if there is one: it is shown, or was deleted. */
export function covers({ oldest, newer, newest, gaps }: Timeline, sequence: bigint): boolean {
  return oldest > 0n && sequence >= oldest && (!newer || sequence <= newest) && gaps.length === 0;
}

/** The log is another one, or does not go back to the timeline any more. */
export function resetTimeline({ posts }: Timeline, newLog: boolean, before: bigint | null): Timeline {
  const after = posts.at(-1)?.sequence ?? 0n;
  return { ...emptyTimeline, reset: { newLog, after, before, missed: null } };
}

/** Adds the newest event. */
export function appendEvent(t: Timeline, e: Event, afterGap = false): Timeline {
  const changesDuringLoad = t.changesDuringLoad && changeOf(e) ? [...t.changesDuringLoad, e] : t.changesDuringLoad;
  if (t.newer) return { ...t, posts: applyChange(t.posts, e), changesDuringLoad };
  const isFirst = t.oldest === 0n;
  const post = postOf(e);
  return {
    ...t,
    posts: post ? [...t.posts, post] : applyChange(t.posts, e),
    oldest: isFirst ? e.sequence : t.oldest,
    more: isFirst ? e.previous > 0n : t.more,
    deletions: [...t.deletions, ...deletionsIn([e])],
    gaps: afterGap ? [...t.gaps, e.sequence] : t.gaps,
    changesDuringLoad,
  };
}

/** A page is requested: changes are kept for it from now on. */
export function beginLoad(t: Timeline): Timeline {
  return { ...t, changesDuringLoad: t.changesDuringLoad ?? [] };
}

/** The requested page is not used. */
export function cancelLoad(t: Timeline): Timeline {
  return { ...t, changesDuringLoad: null };
}

/** Adds a page of older events. Events that the timeline contains already are skipped. */
export function prependPage(t: Timeline, page: readonly Event[], more: boolean): Timeline {
  const older = page.filter((e) => t.oldest === 0n || e.sequence < t.oldest);
  const first = older[0];
  const read: readonly Post[] = older.map(postOf).filter((post) => post !== null);
  return {
    ...t,
    posts: [...(t.changesDuringLoad ?? []).reduce(applyChange, read), ...t.posts],
    oldest: first ? first.sequence : t.oldest,
    more,
    deletions: [...deletionsIn(older), ...t.deletions],
    changesDuringLoad: null,
  };
}

/**
 * Adds a page of newer events, which goes up to the sequence newest. newer: whether there
 * are events after it that the stream has delivered already.
 */
export function appendPage(t: Timeline, page: readonly Event[], newest: bigint, newer: boolean): Timeline {
  const later = page.filter((e) => e.sequence > t.newest);
  const [first] = later;
  const read: readonly Post[] = later.map(postOf).filter((post) => post !== null);
  return {
    ...t,
    posts: [...t.posts, ...(t.changesDuringLoad ?? []).reduce(applyChange, read)],
    newer,
    newest: newer ? newest : 0n,
    deletions: [...t.deletions, ...deletionsIn(later)],
    gaps: first && first.previous > t.newest ? [...t.gaps, first.sequence] : t.gaps,
    changesDuringLoad: null,
  };
}

/** Replaces the timeline by a page somewhere in the log. */
export function replaceByPage(
  t: Timeline,
  page: readonly Event[],
  more: boolean,
  newest: bigint,
  newer: boolean,
): Timeline {
  const empty = { ...emptyTimeline, reset: t.reset, changesDuringLoad: t.changesDuringLoad };
  return { ...prependPage(empty, page, more), newer, newest: newer ? newest : 0n };
}

/** Drops the newest posts when there are more than `keep`; newer pages bring them again. */
export function detachTimeline(t: Timeline, keep: number): Timeline {
  if (t.changesDuringLoad || t.posts.length <= keep + keep / 10) return t;
  const posts = t.posts.slice(0, keep);
  const newest = posts.at(-1)?.sequence ?? 0n;
  const deletions = t.deletions.filter((d) => d.sequence <= newest);
  const gaps = t.gaps.filter((sequence) => sequence <= newest);
  return { ...t, posts, newer: true, newest, deletions, gaps };
}

function deletionsIn(events: readonly Event[]): DeletionAt[] {
  return events.flatMap(({ sequence, body }) => (body.kind === "deletion" ? [{ sequence, target: body.target }] : []));
}

/** Drops the oldest posts when there are more than `keep`; they can be loaded again. */
export function trimTimeline(t: Timeline, keep: number): Timeline {
  // A page that is being loaded continues at the current oldest post. The slack of
  // a tenth avoids copying the list for every message.
  if (t.changesDuringLoad || t.posts.length <= keep + keep / 10) return t;
  const posts = t.posts.slice(-keep);
  const oldest = posts[0]?.sequence ?? t.oldest;
  const deletions = t.deletions.filter((d) => d.sequence >= oldest);
  const gaps = t.gaps.filter((sequence) => sequence >= oldest);
  return { ...t, posts, oldest, more: true, missing: null, deletions, gaps };
}
