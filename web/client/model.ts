// The parts of the contract chat.v1 that a chat needs, as plain values that can
// be posted to other tabs. Times are milliseconds since 1970, durations
// milliseconds.

/** A member of a room, by the name that it has there. A caller without a token has no id. */
export interface Member {
  readonly id: string;
  readonly name: string;
  /** Why the name may mislead; absent if there is no reason. */
  readonly mark?: NameMark;
  /**
   * The address of the member's picture; absent if there is none, and from the senders of
   * messages. To load it shows the user's address to a server that another party has chosen.
   */
  readonly picture?: string;
  /**
   * Whether the member moderates the room, by the server's word: of the sender of a message, when its
   * text was sent or last edited; of others, now. Absent if not.
   */
  readonly moderator?: boolean;
}

/** Why a name may mislead: it looks like another member's, mixes scripts, or looks like one of the service's. */
export type NameMark = "resembles" | "mixedScripts" | "reserved";

/** A token, the member that it stands for, and when it expires. */
export interface Identity {
  readonly token: string;
  readonly member: Member;
  readonly expires: number;
  /** Present for an account that has signed in at a provider, and absent for a guest. */
  readonly account?: AccountIdentity;
}

/** What an account is known by, beside its member. */
export interface AccountIdentity {
  /** The ids of the guests that the account was before. */
  readonly formerIds: readonly string[];
}

/** A position in a room's log: every event up to and including the sequence was received. */
export interface Cursor {
  readonly epoch: string;
  readonly sequence: bigint;
}

/** An event of a room. */
export interface Event {
  readonly room: string;
  /** The position in the room's log; 0 for an ephemeral event, which is not in the log. */
  readonly sequence: bigint;
  /** The sequence of the retained event before this one, 0 if there is none. */
  readonly previous: bigint;
  readonly time: number;
  readonly id: string;
  readonly sender: Member;
  readonly body: Body;
  /** The edits and reactions that are part of a message already; only messages in pages have them. */
  readonly changes: Changes | null;
}

/** The body of an event. A kind that this client does not know is "other". */
export type Body = SendBody | EphemeralBody | { readonly kind: "other" };

/** What this client sends and the room's log keeps. */
export type SendBody = Message | MessageChange | CustomBody;

/** An application's own kind: the full name of its type, and the message of that type in binary form. */
export interface CustomBody {
  readonly kind: "custom";
  readonly type: string;
  readonly value: Uint8Array;
}

/** A message. replyTo is the sequence of the message that it answers, 0 for none. */
export interface Message {
  readonly kind: "message";
  readonly text: string;
  readonly replyTo: bigint;
}

/** A change to a message. target is the message's sequence. */
export type MessageChange =
  | { readonly kind: "edit"; readonly target: bigint; readonly text: string }
  /** reason: why a moderator deletes another member's message. Others are not told; absent for none. */
  | { readonly kind: "deletion"; readonly target: bigint; readonly reason?: string }
  | { readonly kind: "reaction"; readonly target: bigint; readonly emoji: string; readonly removed: boolean };

/** What the log does not keep. members is how many are in the room after the event. */
export type EphemeralBody =
  | { readonly kind: "memberJoined"; readonly members: number }
  | { readonly kind: "memberLeft"; readonly members: number }
  | { readonly kind: "memberRenamed" }
  | { readonly kind: "memberCount"; readonly members: number }
  | { readonly kind: "typing"; readonly stopped: boolean }
  | ({ readonly kind: "roomChanged" } & RoomProfile);

/** A room's display name and topic; empty if not set. */
export interface RoomProfile {
  readonly displayName: string;
  readonly topic: string;
}

/** The changes that are part of a message. */
export interface Changes {
  /** The sequence of the newest one. */
  readonly sequence: bigint;
  /** When the text was last edited, 0 if never. */
  readonly edited: number;
  readonly reactions: readonly Reactions[];
}

/** The members who reacted to a message with one emoji. In pages their names are "". */
export interface Reactions {
  readonly emoji: string;
  readonly members: readonly Member[];
}

/** Where a subscription starts: after a cursor, or with the given number of newest events. */
export type Start = { readonly after: Cursor } | { readonly recent: number };

/** A room to subscribe to. */
export interface Subscription {
  readonly room: string;
  readonly start: Start;
}

/** Which page of the history to read: before or after a cursor; null for the newest. */
export type PagePosition = { readonly before: Cursor } | { readonly after: Cursor } | null;

/** One item of a stream. A kind that this client does not know is "other". */
export type Frame =
  | JoinedFrame
  | { readonly kind: "event"; readonly event: Event }
  | { readonly kind: "caughtUp"; readonly room: string }
  | ResetFrame
  | RoomsChangedFrame
  | { readonly kind: "rightsChanged"; readonly room: string; readonly rights: Rights }
  | { readonly kind: "heartbeat"; readonly time: number }
  | { readonly kind: "draining"; readonly reconnectAfter: number }
  /** The token is accepted for so much longer. */
  | { readonly kind: "expiring"; readonly timeLeft: number }
  | { readonly kind: "renewed" }
  | { readonly kind: "other" };

/** The first frame of a stream. */
export interface JoinedFrame {
  readonly kind: "joined";
  /** The caller, by the name of its token. */
  readonly member: Member;
  readonly rooms: readonly JoinedRoom[];
  /** The interval of heartbeats. */
  readonly heartbeat: number;
  /** Names the stream when its token is renewed; empty for a credential that does not expire. */
  readonly streamId: string;
  /** When the token expires, by the server's clock; 0 if it does not. */
  readonly tokenExpires: number;
}

/** The state of a room when it was joined. */
export interface JoinedRoom extends RoomProfile {
  readonly room: string;
  readonly epoch: string;
  /** The sequence of the newest event. */
  readonly head: bigint;
  readonly members: number;
  /** The caller, as others see it in the room. */
  readonly member: Member;
  /** What the caller may do in the room; null from a server that does not tell. */
  readonly rights: Rights | null;
}

/** What a caller may do in a room, besides reading. */
export interface Rights {
  readonly post: boolean;
  readonly react: boolean;
  /** Edit and delete its own messages. */
  readonly editOwn: boolean;
  /** Set the room's name and topic. */
  readonly manage: boolean;
  /** Delete messages of others. */
  readonly moderate: boolean;
  /** Why rights are missing; null if the caller is not muted. */
  readonly muted: Muted | null;
}

/** What a moderator has decided. */
export interface Muted {
  /** When it ends, 0 for never. */
  readonly until: number;
  /** Empty if none was given. */
  readonly reason: string;
}

/** The events after a cursor are not retained, or the log is another one. The stream continues after head. */
export interface ResetFrame {
  readonly kind: "reset";
  readonly room: string;
  readonly epoch: string;
  /** The sequence of the oldest retained event, 0 if there is none. */
  readonly oldest: bigint;
  readonly head: bigint;
}

/** A page of the history. */
export interface EventsPage {
  readonly epoch: string;
  readonly events: readonly Event[];
  /** Whether there are more events in the direction of the page. */
  readonly more: boolean;
  /** The cursor after the page's last event. */
  readonly next: Cursor;
}

/** The answer to a send: where the event is in the log. */
export interface Receipt {
  readonly epoch: string;
  readonly sequence: bigint;
  readonly time: number;
}

/** A page of the members who are in a room and have an id. */
export interface MembersPage {
  readonly members: readonly Member[];
  /** Whether there are more pages. */
  readonly more: boolean;
  /** The token of the next page; absent on the last one. */
  readonly nextToken?: string;
  /** How many are in the room, those without an id included. */
  readonly total: number;
}

/** A room in the list of rooms. */
export interface RoomSummary extends RoomProfile {
  readonly name: string;
  readonly members: number;
  /** The sequence of the newest event, 0 if there is none. */
  readonly head: bigint;
  /** How many messages were ever stored in the room, deleted ones included. */
  readonly messages: bigint;
  /** When the newest event was accepted, 0 if there is none. */
  readonly lastActivity: number;
}

/** A room in a page of the list. */
export interface ListedRoom extends RoomSummary {
  /** How many messages of others came after the read cursor, 100 for 100 or more; null without a read cursor. */
  readonly unread: number | null;
}

/** A page of the list of rooms. */
export interface RoomsPage {
  /** The most recently active first. */
  readonly rooms: readonly ListedRoom[];
  /** The token of the next page, empty on the last one. */
  readonly nextToken: string;
}

/**
 * The changes to the list of rooms since the previous frame of this kind. The
 * first one of a stream is empty and incomplete.
 */
export interface RoomsChangedFrame {
  readonly kind: "roomsChanged";
  /** The rooms that changed, as they are now. */
  readonly rooms: readonly RoomSummary[];
  /** The names of rooms that are no longer in the list. */
  readonly removed: readonly string[];
  /** Whether other rooms changed as well. */
  readonly incomplete: boolean;
}
