// What the session of a room asks its environment to do.

import type { Cursor, Event, PagePosition } from "../model";

export type Timer = "members" | "typing" | "history";

/** Answers come back as inputs, with the serial number of the request. */
export type Effect =
  /** The page after the timeline is read: the stream does not bring it. */
  | { readonly type: "catchUp"; readonly serial: number; readonly position: PagePosition }
  | { readonly type: "listEvents"; readonly serial: number; readonly position: PagePosition }
  | { readonly type: "loadQuote"; readonly serial: number; readonly before: Cursor }
  | { readonly type: "listMembers"; readonly serial: number }
  | { readonly type: "sendTyping"; readonly stopped: boolean }
  | { readonly type: "startTimer"; readonly timer: Timer; readonly after: number }
  /** An event came after the room was first joined: it was added to the timeline, or is an ephemeral one. */
  | { readonly type: "event"; readonly event: Event };

/** A part of the state after a transition, and the effects that the transition asks for. */
export type Transition<S> = readonly [next: S, ...effects: Effect[]];

/** Time and randomness. */
export interface Env {
  /** Milliseconds of a clock that only runs forward. */
  readonly now: number;
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
}
