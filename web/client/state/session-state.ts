import type { Auth } from "../hub/auth";
import { type Connection, disconnected } from "../hub/connection";
import type { Cursor, RoomProfile } from "../model";
import { type Feed, notFollowing } from "./feed";
import { type History, idleHistory } from "./history";
import { type MessageCounts, noCounts } from "./message-count";
import { nothingPending, type Pending } from "./pending";
import { type Presence, unknownPresence } from "./presence";
import { noQuotes, type Quotes } from "./quotes";
import type { UnreadStart } from "./reading";
import type { Rename } from "./renames";
import type { MemberRights } from "./rights";
import { emptyTimeline, type Timeline } from "./timeline";
import { noTyping, type Typing } from "./typing";

/**
 * What a session knows of its room. The value is never changed, only replaced. Each
 * part is replaced by the functions of its own module; the session combines them.
 */
export interface SessionState {
  readonly room: string;
  readonly profile: RoomProfile;
  /** As the last stream has told; null if none has. */
  readonly rights: MemberRights | null;
  /** What all tabs share, as the hub says. The phase of the connection is that of the room. */
  readonly auth: Auth;
  readonly connection: Connection;
  readonly feed: Feed;
  /** The last event that was received; null until the first stream has caught up or has brought one. */
  readonly cursor: Cursor | null;
  readonly timeline: Timeline;
  readonly counts: MessageCounts;
  readonly history: History;
  readonly quotes: Quotes;
  readonly presence: Presence;
  readonly typing: Typing;
  readonly outbox: Pending;
  readonly viewport: Viewport;
  /** How many messages of others came while their place was not on screen. */
  readonly unread: number;
  /** Null if nothing is unread, as in a room that was never read. */
  readonly unreadStart: UnreadStart | null;
  /** Oldest first. */
  readonly renames: readonly Rename[];
}

/** What the user sees of the timeline. */
export interface Viewport {
  readonly visible: boolean;
  /** Whether the timeline is scrolled to its end. */
  readonly atEnd: boolean;
}

/** The state before the first news. */
export function initialState(room: string, auth: Auth): SessionState {
  return {
    room,
    profile: { displayName: "", topic: "" },
    rights: null,
    auth,
    connection: disconnected,
    feed: notFollowing,
    cursor: null,
    timeline: emptyTimeline,
    counts: noCounts,
    history: idleHistory,
    quotes: noQuotes,
    presence: unknownPresence,
    typing: noTyping,
    outbox: nothingPending,
    viewport: { visible: true, atEnd: false },
    unread: 0,
    unreadStart: null,
    renames: [],
  };
}
