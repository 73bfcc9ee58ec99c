// What the page knows of the contract: the parts of chat.v1 that it uses, as
// plain values that can be cloned between tabs. Times are milliseconds since
// 1970, durations milliseconds.

/** Somebody who takes part. Without an id, a caller that has no token. */
export interface Member {
  readonly id: string;
  readonly name: string;
}

/** A token, whom it stands for, and when it ends. */
export interface Identity {
  readonly token: string;
  readonly member: Member;
  readonly expires: number;
}

/** A place in a room's log: everything up to and including sequence was seen. */
export interface Cursor {
  readonly epoch: string;
  readonly sequence: bigint;
}

/** Something that happened in the room. */
export interface Event {
  /** The place in the room's log, 0 for an ephemeral event, which has none. */
  readonly sequence: bigint;
  /** The sequence of the retained event before this one, 0 when there is none. */
  readonly previous: bigint;
  readonly time: number;
  readonly id: string;
  readonly sender: Member;
  readonly body: Body;
  /** What has become of a message; only on messages that were read in pages. */
  readonly changes: Changes | null;
}

/** What happened. Kinds that the page has no use for are "other". */
export type Body = Speech | Ephemeral | { readonly kind: "custom"; readonly type: string } | { readonly kind: "other" };

/** What this page says in a room, and what is in the log. */
export type Speech = Said | Change;

/** Something was said. replyTo is the sequence of what it answers, 0 for nothing. */
export interface Said {
  readonly kind: "message";
  readonly text: string;
  readonly replyTo: bigint;
}

/** A message changes: target is its sequence. */
export type Change =
  | { readonly kind: "edit"; readonly target: bigint; readonly text: string }
  | { readonly kind: "deletion"; readonly target: bigint }
  | { readonly kind: "reaction"; readonly target: bigint; readonly emoji: string; readonly removed: boolean };

/** What is not in the log. Where members are counted, it is those who are there now. */
export type Ephemeral =
  | { readonly kind: "memberJoined"; readonly members: number }
  | { readonly kind: "memberLeft"; readonly members: number }
  | { readonly kind: "memberRenamed" }
  | { readonly kind: "memberCount"; readonly members: number }
  | { readonly kind: "typing"; readonly stopped: boolean }
  | ({ readonly kind: "roomChanged" } & Presented);

/** How a room presents itself; empty for not at all. */
export interface Presented {
  readonly displayName: string;
  readonly topic: string;
}

/** What has become of a message up to a change, the newest one that is in it. */
export interface Changes {
  readonly sequence: bigint;
  /** When the text was last edited, 0 if it was not. */
  readonly edited: number;
  readonly reactions: readonly Reactions[];
}

/** Who reacted to a message with one emoji. Pages give the ids alone: names are "" then. */
export interface Reactions {
  readonly emoji: string;
  readonly members: readonly Member[];
}

/** Where a subscription starts. */
export type Start = { readonly after: Cursor } | { readonly recent: number };

/** Which page of history: before or after a cursor, or the newest. */
export type Place = { readonly before: Cursor } | { readonly after: Cursor } | null;

/** One item of a stream. Kinds that the page has no use for are "other". */
export type Frame =
  | Joined
  | { readonly kind: "event"; readonly event: Event }
  | { readonly kind: "caughtUp" }
  | { readonly kind: "reset"; readonly epoch: string; readonly head: bigint }
  | RoomsChanged
  | { readonly kind: "draining"; readonly reconnectAfter: number }
  | { readonly kind: "other" };

/** The first frame of a stream: where the room stands. */
export interface Joined extends Presented {
  readonly kind: "joined";
  readonly epoch: string;
  readonly head: bigint;
  readonly heartbeat: number;
  readonly members: number;
}

/** One page of history. */
export interface Page {
  readonly epoch: string;
  readonly events: readonly Event[];
  /** Whether there is more in the direction of the page. */
  readonly more: boolean;
  /** The cursor behind the page. */
  readonly next: Cursor;
}

/** The answer to a send: where the event was stored. */
export interface Receipt {
  readonly epoch: string;
  readonly sequence: bigint;
  readonly time: number;
}

/** Who is in a room: those with an id, as far as they were listed, and how many in all. */
export interface Crowd {
  readonly members: readonly Member[];
  /** Whether there are more with an id than are listed. */
  readonly more: boolean;
  readonly total: number;
}

/** A room in the list of rooms. */
export interface RoomEntry extends Presented {
  readonly name: string;
  readonly members: number;
  /** The sequence of the newest event, 0 when there is none. */
  readonly head: bigint;
  /** How many messages were ever stored in the room, the deleted ones included. */
  readonly messages: bigint;
  /** When the newest event was accepted, 0 when there is none. */
  readonly active: number;
}

/** A room as a page of the list has it. */
export interface ListedRoom extends RoomEntry {
  /** How many messages of others came after what was seen, 100 for 100 or more; null if nothing was seen yet. */
  readonly unread: number | null;
}

/** One page of the list of rooms. */
export interface RoomsPage {
  /** By last activity, the newest first. */
  readonly rooms: readonly ListedRoom[];
  /** The token of the next page, empty on the last one. */
  readonly next: string;
}

/**
 * The changes to the list of rooms since the frame of this kind before it. The
 * first one of a stream is empty and incomplete.
 */
export interface RoomsChanged {
  readonly kind: "roomsChanged";
  /** The rooms that changed, as they are now. */
  readonly rooms: readonly RoomEntry[];
  /** The names of rooms that are in the list no longer. */
  readonly removed: readonly string[];
  /** Whether there were more changes than these. */
  readonly incomplete: boolean;
}

/** The code of an error, as Connect names it: "unavailable", "invalid_argument". */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Why a stream ended. */
export interface End extends Failure {
  /** The stream goes on elsewhere: nothing failed, and there is nothing to wait for. */
  readonly moved?: boolean;
}
