// The part of a room's log that the page shows: a run of events without holes,
// unless a hole was accepted and marked. Messages are as they are now: see fold.ts.

import { changeOf, fold, postOf, type Post } from "./posts";
import type { Event } from "../model";

/** How many messages are kept while the newest ones are read. */
export const keepFollowing = 1_000;
/** How many messages are kept while older ones are read. */
export const keepReading = 5_000;

/** The messages shown, oldest first, and applications' events among them. */
export interface Timeline {
  readonly posts: readonly Post[];
  /** The sequence of the oldest event that was read, 0 before the first. */
  readonly oldest: bigint;
  /** Whether there is something before it. */
  readonly more: boolean;
  /** The sequences of posts before which something is missing. */
  readonly holes: readonly bigint[];
  /**
   * Changes that came while a page was awaited, null when none is: it may be older
   * than they are, and have what they change.
   */
  readonly meanwhile: readonly Event[] | null;
}

export const empty: Timeline = { posts: [], oldest: 0n, more: false, holes: [], meanwhile: null };

/** Adds the newest event, which must come after all others. */
export function append(t: Timeline, e: Event, afterHole = false): Timeline {
  const first = t.oldest === 0n;
  const post = postOf(e);
  return {
    posts: post ? [...t.posts, post] : fold(t.posts, e),
    oldest: first ? e.sequence : t.oldest,
    more: first ? e.previous > 0n : t.more,
    holes: afterHole ? [...t.holes, e.sequence] : t.holes,
    meanwhile: t.meanwhile && changeOf(e) ? [...t.meanwhile, e] : t.meanwhile,
  };
}

/** A page is asked for: from now on, changes are kept for it. */
export function expect(t: Timeline): Timeline {
  return { ...t, meanwhile: t.meanwhile ?? [] };
}

/** The page that was asked for does not come. */
export function forgo(t: Timeline): Timeline {
  return { ...t, meanwhile: null };
}

/** Adds a page of older events. Events that are there already are skipped. */
export function prepend(t: Timeline, page: readonly Event[], more: boolean): Timeline {
  const older = page.filter((e) => t.oldest === 0n || e.sequence < t.oldest);
  const first = older[0];
  const read = older.map(postOf).filter((post) => post !== null);
  return {
    ...t,
    posts: [...(t.meanwhile ?? []).reduce(fold, read as readonly Post[]), ...t.posts],
    oldest: first ? first.sequence : t.oldest,
    more,
    meanwhile: null,
  };
}

/** Drops the oldest posts until at most `keep` are left; they can be read again. */
export function trim(t: Timeline, keep: number): Timeline {
  // A page that is awaited joins what is there now. And some slack, so that not
  // every message moves all others.
  if (t.meanwhile || t.posts.length <= keep + keep / 10) return t;
  const posts = t.posts.slice(-keep);
  const oldest = posts[0]!.sequence;
  return { ...t, posts, oldest, more: true, holes: t.holes.filter((h) => h >= oldest) };
}
