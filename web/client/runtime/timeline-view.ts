// The timeline as user interfaces show it: one list of what is in the log and of what is
// on its way.

import type { Failure } from "../failure";
import { isOwn } from "../hub/auth";
import type { Member, Reactions } from "../model";
import type { PendingEntry } from "../state/pending";
import { changedPost, type Post } from "../state/posts";
import { type Quote, quoteOf } from "../state/quotes";
import type { SessionState } from "../state/session-state";

/** The value is never changed, only replaced. */
export interface TimelineView {
  /** Oldest first. */
  readonly items: readonly TimelineItem[];
  /** Whether the log has older events. */
  readonly hasOlder: boolean;
  /** Whether the log has newer events than the last item, because older ones were read: loadNewer reads them. */
  readonly hasNewer: boolean;
  /**
   * How many messages before the first item are not retained: 0 if the room begins there.
   * Null if there are older events to read, after a reset, which has its own number, or if
   * that is not known. It is only known of a chat with watchRooms, or of a log from its beginning.
   */
  readonly missing: number | null;
  /** Whether a page of older events is being read. */
  readonly loading: boolean;
  /** Why older events could not be read; null if they could. */
  readonly failure: Failure | null;
  /** Whether the timeline was ever complete: before, it may be empty because nothing was received yet. */
  readonly ready: boolean;
}

export type TimelineItem =
  | MessageItem
  | CustomItem
  /** Events are missing here. */
  | { readonly kind: "gap"; readonly key: string }
  /** Events were not received and are not retained any more. missed: how many messages, null if that is not known, as without watchRooms. */
  | { readonly kind: "reset"; readonly key: string; readonly missed: number | null; readonly newLog: boolean };

export interface MessageItem {
  readonly kind: "message";
  /** The same before and after the message is in the log. */
  readonly key: string;
  readonly id: string;
  /** The position in the log, 0 for a message on its way. */
  readonly sequence: bigint;
  readonly sender: Member;
  /** Whether the caller has sent it. */
  readonly own: boolean;
  /** In milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
  /** When the text was last edited, 0 if never. */
  readonly edited: number;
  readonly reactions: readonly Reactions[];
  /** The message that this one answers; null for none. */
  readonly quote: Quote | null;
  readonly status: PendingEntry["status"];
  /** Why the message, or the change to it, was not sent; null if nothing failed. */
  readonly failure: Failure | null;
  /** How long the server asks to wait before another attempt, in milliseconds; 0 if it does not. */
  readonly retryAfter: number;
  /** The changes to the message that are on their way, or have failed. */
  readonly changes: readonly PendingEntry[];
}

export interface CustomItem {
  readonly kind: "custom";
  readonly key: string;
  readonly sequence: bigint;
  readonly sender: Member;
  readonly time: number;
  /** The full name of the type. */
  readonly type: string;
  /** The message of that type, in binary form. */
  readonly value: Uint8Array;
}

type Parts = Pick<SessionState, "timeline" | "outbox" | "feed" | "history" | "quotes" | "auth" | "presence">;

export function timelineView(state: Parts): TimelineView {
  const { timeline, outbox, feed, history } = state;
  const items: TimelineItem[] = [];
  const { reset } = timeline;
  if (reset) items.push({ kind: "reset", key: `reset ${reset.after}`, missed: reset.missed, newLog: reset.newLog });
  for (const post of timeline.posts) {
    if (timeline.gaps.includes(post.sequence)) items.push({ kind: "gap", key: `gap ${post.sequence}` });
    items.push(post.text === null ? customItem(post) : postItem(state, post, post.text));
  }
  for (const entry of outbox.entries) if (entry.body.kind === "message") items.push(pendingItem(state, entry));
  return {
    items,
    hasOlder: timeline.more,
    hasNewer: timeline.newer,
    missing: timeline.missing,
    loading: history.phase === "loading",
    failure: history.failure,
    ready: feed.caughtUpOnce,
  };
}

function customItem({ sequence, sender, time, type, value }: Post): CustomItem {
  return { kind: "custom", key: `at ${sequence}`, sequence, sender, time, type, value: value ?? new Uint8Array() };
}

function postItem(state: Parts, post: Post, text: string): MessageItem {
  const own = isOwn(state.auth, post);
  const changes = state.outbox.entries.filter(({ body }) => "target" in body && body.target === post.sequence);
  let now = post;
  for (const { body, time, status } of changes) {
    const isShown = status !== "failed" && "target" in body && body.kind !== "deletion";
    if (isShown) now = changedPost(now, body, time, self(state)) ?? now;
  }
  const failed = changes.find((c) => c.status === "failed");
  return {
    kind: "message",
    key: own ? `own ${post.id}` : `at ${post.sequence}`,
    id: post.id,
    sequence: post.sequence,
    sender: post.sender,
    own,
    time: post.time,
    text: now.text ?? text,
    edited: now.edited,
    reactions: now.reactions,
    quote: post.replyTo > 0n ? quoteOf(state.quotes, state.timeline, post.replyTo) : null,
    status: "sent",
    failure: failed?.failure ?? null,
    retryAfter: failed?.retryAfter ?? 0,
    changes,
  };
}

function pendingItem(state: Parts, { id, body, time, status, failure, retryAfter }: PendingEntry): MessageItem {
  const { text, replyTo } = body.kind === "message" ? body : { text: "", replyTo: 0n };
  return {
    kind: "message",
    key: `own ${id}`,
    id,
    sequence: 0n,
    sender: self(state),
    own: true,
    time,
    text,
    edited: 0,
    reactions: [],
    quote: replyTo > 0n ? quoteOf(state.quotes, state.timeline, replyTo) : null,
    status,
    failure,
    retryAfter,
    changes: [],
  };
}

/** The caller, by the name that others see in the room if that is known. */
function self({ auth: { identity, memberIds, name }, presence }: Parts): Member {
  const member = identity?.member ?? { id: memberIds.at(-1) ?? "", name };
  return presence.self && member.id !== "" && presence.self.id === member.id ? presence.self : member;
}
