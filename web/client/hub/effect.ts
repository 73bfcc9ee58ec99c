// What the hub asks its environment to do.

import type { Failure } from "../failure";
import type {
  Cursor,
  Event,
  Identity,
  JoinedRoom,
  Receipt,
  ResetFrame,
  Rights,
  RoomsChangedFrame,
  SendBody,
  Subscription,
} from "../model";
import type { OutboxEntry } from "./outbox-entry";

export type Timer = "reconnect" | "watchdog" | "resend" | "resubscribe" | "probe";

/** Answers come back as inputs, with the number of the request. */
export type Effect =
  | {
      readonly type: "openStream";
      readonly stream: number;
      readonly token: string;
      readonly rooms: readonly Subscription[];
    }
  | { readonly type: "closeStream"; readonly stream: number }
  | {
      readonly type: "send";
      readonly room: string;
      readonly id: string;
      readonly body: SendBody;
      readonly token: string;
    }
  | { readonly type: "signIn"; readonly serial: number; readonly name: string; readonly token: string }
  /** The application is asked for a token. */
  | { readonly type: "fetchToken"; readonly serial: number }
  /** The token is forgotten, and no longer valid. */
  | { readonly type: "signOut"; readonly token: string }
  | { readonly type: "renewStream"; readonly stream: number; readonly streamId: string; readonly token: string }
  /** The server is asked for next to nothing about the room, to see whether it answers. */
  | { readonly type: "probe"; readonly serial: number; readonly room: string }
  | { readonly type: "startTimer"; readonly timer: Timer; readonly after: number }
  | { readonly type: "stopTimer"; readonly timer: Timer }
  | { readonly type: "storeIdentity"; readonly identity: Identity }
  | { readonly type: "loadOutbox" }
  | { readonly type: "storeEntry"; readonly entry: OutboxEntry }
  | { readonly type: "removeEntries"; readonly ids: readonly string[] }
  | { readonly type: "publish"; readonly news: News };

/** What the tabs are told. */
export type News =
  /**
   * A room is joined. The events that follow are those after the cursor `after`; null
   * for the newest ones of the room. to: the only tab that needs to know.
   */
  | {
      readonly type: "joined";
      readonly to: string | null;
      readonly state: JoinedRoom;
      readonly after: Cursor | null;
      readonly caughtUp: boolean;
    }
  | { readonly type: "event"; readonly event: Event }
  | { readonly type: "caughtUp"; readonly room: string }
  | ({ readonly type: "reset" } & Omit<ResetFrame, "kind">)
  | { readonly type: "rightsChanged"; readonly room: string; readonly rights: Rights }
  /** The server refuses the room to this caller. */
  | { readonly type: "refused"; readonly to: string | null; readonly room: string; readonly failure: Failure }
  /** An entry of the outbox is in the room's log. */
  | { readonly type: "stored"; readonly entry: OutboxEntry; readonly receipt: Receipt }
  | { readonly type: "roomsChanged"; readonly change: RoomsChangedFrame }
  /** Changes to the list of rooms may have been missed. */
  | { readonly type: "listRooms" };

/** A part of the state after a transition, and the effects that the transition asks for. */
export type Transition<S> = readonly [next: S, ...effects: Effect[]];

/** Time and randomness. */
export interface Env {
  /** Milliseconds of a clock that only runs forward. */
  readonly now: number;
  /** Milliseconds since 1970 by the device's clock, which may be wrong: it is shown and stored, and decides nothing. */
  readonly date: number;
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
}
