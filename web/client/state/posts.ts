// What becomes of messages. A page of history has messages as they are now, and
// a stream brings what changes them, one change after the other. Both lead to the
// same: a change is in a message already, or it comes after all that is in it, and
// the sequence of the newest change in the message tells which.

import type { Change, Event, Member, Reactions } from "../model";

/** Something in the room's log that is shown: a message, or an application's event. */
export interface Post {
  readonly sequence: bigint;
  readonly time: number;
  readonly id: string;
  readonly sender: Member;
  /** What was said, as it is now; null for an application's event. */
  readonly text: string | null;
  /** The sequence of the message that this one answers, 0 for none. */
  readonly replyTo: bigint;
  /** The name of an application's kind of event; empty if even the server doesn't know. */
  readonly type: string;
  /** The sequence of the newest change in it, 0 for none. */
  readonly changed: bigint;
  /** When the text was last edited, 0 if it was not. */
  readonly edited: number;
  readonly reactions: readonly Reactions[];
}

/** What an event shows; null if it shows nothing by itself. */
export function postOf({ sequence, time, id, sender, body, changes }: Event): Post | null {
  if (body.kind !== "message" && body.kind !== "custom") return null;
  return {
    sequence, time, id, sender,
    text: body.kind === "message" ? body.text : null,
    replyTo: body.kind === "message" ? body.replyTo : 0n,
    type: body.kind === "custom" ? body.type : "",
    changed: changes?.sequence ?? 0n,
    edited: changes?.edited ?? 0,
    reactions: changes?.reactions ?? [],
  };
}

/** The change that an event is, if it is one. */
export function changeOf({ body }: Event): Change | null {
  return body.kind === "edit" || body.kind === "deletion" || body.kind === "reaction" ? body : null;
}

/** A post after a change to it; null when it is deleted. The change comes after all that is in it. */
export function changed(post: Post, change: Change, time: number, by: Member): Post | null {
  switch (change.kind) {
    case "edit":
      return { ...post, text: change.text, edited: time };
    case "deletion":
      return null;
    case "reaction":
      return { ...post, reactions: reacted(post.reactions, change.emoji, by, change.removed) };
  }
}

/**
 * Posts, oldest first, after an event: its change is applied to the post that it is
 * about, if that is held and the change is not in it yet.
 */
export function fold(posts: readonly Post[], event: Event): readonly Post[] {
  const change = changeOf(event);
  if (!change) return posts;
  const at = find(posts, change.target);
  const post = posts[at];
  if (!post || post.text === null || event.sequence <= post.changed) return posts;
  const after = changed(post, change, event.time, event.sender);
  const next = [...posts];
  if (after) next[at] = { ...after, changed: event.sequence };
  else next.splice(at, 1);
  return next;
}

/** Where the post with a sequence is, -1 if it isn't there. */
export function find(posts: readonly Post[], sequence: bigint): number {
  let low = 0;
  for (let high = posts.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (posts[middle]!.sequence < sequence) low = middle + 1;
    else high = middle;
  }
  return posts[low]?.sequence === sequence ? low : -1;
}

/** Reactions keep the order in which their emoji came first, and members that of their doing so. */
function reacted(all: readonly Reactions[], emoji: string, by: Member, removed: boolean): readonly Reactions[] {
  const before = all.find((r) => r.emoji === emoji);
  const there = before?.members.some((m) => m.id === by.id) ?? false;
  if (there !== removed) return all;
  if (!before) return [...all, { emoji, members: [by] }];
  const members = removed ? before.members.filter((m) => m.id !== by.id) : [...before.members, by];
  if (members.length === 0) return all.filter((r) => r !== before);
  return all.map((r) => (r === before ? { emoji, members } : r));
}
