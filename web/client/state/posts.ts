// Applies edits, deletions and reactions to messages. A page of the history has
// messages as they are now, and a stream brings one change after the other. Both
// give the same result: a change is applied only if its sequence is greater than
// that of the newest change that the message already contains.

import type { Event, Member, MessageChange, Reactions } from "../model";

/** An entry of the timeline: a message, or a custom event. */
export interface Post {
  readonly sequence: bigint;
  readonly time: number;
  readonly id: string;
  readonly sender: Member;
  /** The message's current text; null for a custom event. */
  readonly text: string | null;
  /** The sequence of the message that this one answers, 0 for none. */
  readonly replyTo: bigint;
  /** The type name of a custom event; empty for a message or if it is unknown. */
  readonly type: string;
  /** The custom event itself, in binary form; null for a message. */
  readonly value: Uint8Array | null;
  /** The sequence of the newest change that was applied, 0 for none. */
  readonly changed: bigint;
  /** When the text was last edited, 0 if never. */
  readonly edited: number;
  readonly reactions: readonly Reactions[];
}

/** Returns the entry that an event adds to the timeline, or null if it adds none. */
export function postOf({ sequence, time, id, sender, body, changes }: Event): Post | null {
  if (body.kind !== "message" && body.kind !== "custom") return null;
  return {
    sequence,
    time,
    id,
    sender,
    text: body.kind === "message" ? body.text : null,
    replyTo: body.kind === "message" ? body.replyTo : 0n,
    type: body.kind === "custom" ? body.type : "",
    value: body.kind === "custom" ? body.value : null,
    changed: changes?.sequence ?? 0n,
    edited: changes?.edited ?? 0,
    reactions: changes?.reactions ?? [],
  };
}

/** Returns an event's body if it is a change to a message, otherwise null. */
export function changeOf({ body }: Event): MessageChange | null {
  return body.kind === "edit" || body.kind === "deletion" || body.kind === "reaction" ? body : null;
}

/** Returns a post after a change that it does not contain yet; null if it is deleted. */
export function changedPost(post: Post, change: MessageChange, time: number, by: Member): Post | null {
  switch (change.kind) {
    case "edit":
      return { ...post, sender: asEditor(post.sender, by), text: change.text, edited: time };
    case "deletion":
      return null;
    case "reaction":
      return { ...post, reactions: withReaction(post.reactions, change.emoji, by, change.removed) };
  }
}

/** The sender of a message counts as a moderator if it was one when it wrote the newest text. */
function asEditor({ moderator, ...sender }: Member, by: Member): Member {
  return by.moderator ? { ...sender, moderator: true } : sender;
}

/**
 * Returns posts, oldest first, after an event. If the event changes a post that is
 * among them, and the post does not contain the change yet, it is applied.
 */
export function applyChange(posts: readonly Post[], event: Event): readonly Post[] {
  const change = changeOf(event);
  if (!change) return posts;
  const at = indexOfPost(posts, change.target);
  const post = posts[at];
  if (!post || post.text === null || event.sequence <= post.changed) return posts;
  const after = changedPost(post, change, event.time, event.sender);
  const next = [...posts];
  if (after) next[at] = { ...after, changed: event.sequence };
  else next.splice(at, 1);
  return next;
}

/** Returns the index of the post with a sequence, -1 if there is none. */
export function indexOfPost(posts: readonly Post[], sequence: bigint): number {
  let low = 0;
  for (let high = posts.length; low < high; ) {
    const middle = (low + high) >> 1;
    if ((posts[middle] as Post).sequence < sequence) low = middle + 1;
    else high = middle;
  }
  return posts[low]?.sequence === sequence ? low : -1;
}

/** Emoji keep the order of their first use, and members the order in which they reacted. */
function withReaction(all: readonly Reactions[], emoji: string, by: Member, removed: boolean): readonly Reactions[] {
  const before = all.find((r) => r.emoji === emoji);
  const reacted = before?.members.some((m) => m.id === by.id) ?? false;
  if (reacted !== removed) return all;
  if (!before) return [...all, { emoji, members: [by] }];
  const members = removed ? before.members.filter((m) => m.id !== by.id) : [...before.members, by];
  if (members.length === 0) return all.filter((r) => r !== before);
  return all.map((r) => (r === before ? { emoji, members } : r));
}
