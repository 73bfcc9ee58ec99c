import type { Failure } from "../failure";
import type { Auth } from "../hub/auth";
import type { Connection } from "../hub/connection";
import type { News } from "../hub/effect";
import type { OutboxEntry } from "../hub/outbox-entry";
import type { Cursor, EventsPage, MembersPage } from "../model";
import type { Timer } from "../state/effect";
import type { MessageCount } from "../state/message-count";

/** What happens to the session of a room: news of the hub, an act of the user, or the answer to an effect. */
export type Input =
  /** What all tabs share has changed. entries: those of the room. */
  | {
      readonly type: "shared";
      readonly auth: Auth;
      readonly connection: Connection;
      readonly entries: readonly OutboxEntry[];
    }
  | { readonly type: "news"; readonly news: RoomNews }
  | { readonly type: "timer"; readonly timer: Timer }
  /** A page after the cursor, or the newest one. */
  | { readonly type: "caughtUpTo"; readonly serial: number; readonly page: EventsPage }
  | { readonly type: "catchUpFailed"; readonly serial: number; readonly failure: Failure }
  /** How many messages were ever stored in the room, as the list of rooms says. */
  | { readonly type: "counted"; readonly count: MessageCount }
  /** The room is wanted. read: how far it was read in this browser; null if it never was. */
  | { readonly type: "opened"; readonly read: Cursor | null }
  /** The room is not wanted any more. */
  | { readonly type: "left" }
  /** The user has read everything. */
  | { readonly type: "read" }
  /** The draft of a message has changed. */
  | { readonly type: "draftChanged"; readonly empty: boolean }
  /** A message was sent: its draft is no longer one. */
  | { readonly type: "draftSent" }
  | { readonly type: "loadEarlier" }
  | { readonly type: "loadLater" }
  | { readonly type: "loadNewest" }
  /** The user wants to see the message with a sequence, or, if it is none, the nearest one. */
  | { readonly type: "goTo"; readonly sequence: bigint; readonly nearest?: boolean }
  /** The message that the user wants to see is on screen. */
  | { readonly type: "targetReached" }
  | { readonly type: "pageLoaded"; readonly serial: number; readonly page: EventsPage }
  | { readonly type: "pageFailed"; readonly serial: number; readonly failure: Failure }
  /** page is null if loading failed. */
  | { readonly type: "quoteLoaded"; readonly serial: number; readonly page: EventsPage | null }
  /** The list of members is shown or hidden. */
  | { readonly type: "membersShown"; readonly shown: boolean }
  /** page is null if the request failed. */
  | { readonly type: "membersListed"; readonly serial: number; readonly page: MembersPage | null }
  | { readonly type: "viewportChanged"; readonly visible: boolean; readonly atEnd: boolean };

/** The news about one room. */
export type RoomNews = Exclude<News, { type: "roomsChanged" | "listRooms" }>;
