// What a session asks its environment to do.

import type { Cursor, Identity, PagePosition, RoomsChangedFrame, SendBody, Start } from "../model";

export type Timer = "reconnect" | "watchdog" | "resend" | "members" | "typing";

/** Answers come back as inputs, with the serial number of the request. */
export type Effect =
  | { readonly type: "openStream"; readonly stream: number; readonly token: string; readonly start: Start }
  | { readonly type: "closeStream"; readonly stream: number }
  | { readonly type: "send"; readonly id: string; readonly body: SendBody; readonly token: string }
  | { readonly type: "sendTyping"; readonly token: string; readonly stopped: boolean }
  | { readonly type: "signIn"; readonly serial: number; readonly name: string; readonly token: string }
  /** The token is forgotten, and no longer valid. */
  | { readonly type: "signOut"; readonly token: string }
  | {
      readonly type: "listEvents";
      readonly serial: number;
      readonly token: string;
      readonly position: PagePosition;
      /** Whether many pages follow, so that each should be large. */
      readonly large: boolean;
    }
  | { readonly type: "loadQuote"; readonly serial: number; readonly token: string; readonly before: Cursor }
  | { readonly type: "listMembers"; readonly serial: number; readonly token: string }
  | { readonly type: "startTimer"; readonly timer: Timer; readonly after: number }
  | { readonly type: "stopTimer"; readonly timer: Timer }
  | { readonly type: "listRooms" }
  | { readonly type: "roomsChanged"; readonly change: RoomsChangedFrame }
  | { readonly type: "storeIdentity"; readonly identity: Identity };

/** A part of the state after a transition, and the effects that the transition asks for. */
export type Transition<S> = readonly [next: S, ...effects: Effect[]];

/** Time and randomness. */
export interface Env {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
}
