import type { Cursor, Identity, RoomProfile } from "../model";
import { type Auth, initialAuth } from "./auth";
import { type Connection, disconnected } from "./connection";
import { type History, idleHistory } from "./history";
import type { Outbox, OutboxEntry } from "./outbox";
import { type Presence, unknownPresence } from "./presence";
import { noQuotes, type Quotes } from "./quotes";
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
  readonly auth: Auth;
  readonly connection: Connection;
  /** The last event that was received; null until the first stream has caught up or has brought one. */
  readonly cursor: Cursor | null;
  readonly timeline: Timeline;
  readonly history: History;
  readonly quotes: Quotes;
  readonly presence: Presence;
  readonly typing: Typing;
  readonly outbox: Outbox;
  readonly viewport: Viewport;
  /** How many messages of others came while their place was not on screen. */
  readonly unread: number;
}

/** What the user sees of the timeline. */
export interface Viewport {
  readonly visible: boolean;
  /** Whether the timeline is scrolled to its end. */
  readonly atEnd: boolean;
}

/** What is kept from an earlier visit. */
export interface Remembered {
  readonly identity: Identity | null;
  readonly outbox: readonly OutboxEntry[];
}

/** The state before the input "start". */
export function initialState(room: string, { identity, outbox }: Remembered): SessionState {
  return {
    room,
    profile: { displayName: "", topic: "" },
    rights: null,
    auth: initialAuth(identity),
    connection: disconnected,
    cursor: null,
    timeline: emptyTimeline,
    history: idleHistory,
    quotes: noQuotes,
    presence: unknownPresence,
    typing: noTyping,
    outbox: { entries: outbox, resendAt: 0 },
    viewport: { visible: true, atEnd: true },
    unread: 0,
  };
}
