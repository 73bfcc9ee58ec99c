// The loading of older events, at most one page at a time.

import type { PagePosition } from "../model";
import type { Transition } from "./effect";

export interface History {
  readonly phase: "idle" | "loading" | "failed";
  /** What was requested last: the page before the timeline, or the newest one after a reset. */
  readonly page: "earlier" | "newest";
  readonly serial: number;
  /** Why the last request failed, empty if it did not. */
  readonly problem: string;
  /** The sequence of the message that the user wants to see, 0 for none. */
  readonly target: bigint;
}

export const idleHistory: History = { phase: "idle", page: "earlier", serial: 0, problem: "", target: 0n };

/** Requests a page. */
export function loadPage(h: History, page: History["page"], position: PagePosition): Transition<History> {
  const serial = h.serial + 1;
  return [
    { ...h, phase: "loading", page, serial, problem: "" },
    { type: "listEvents", serial, position, large: h.target > 0n },
  ];
}

/** The page was received. */
export function loadDone(h: History): History {
  return { ...h, phase: "idle" };
}

/** The user wants to see the message with a sequence, or with 0 no message any more. */
export function setTarget(h: History, sequence: bigint): History {
  return { ...h, target: sequence };
}

/** The request has failed: the user may try again. */
export function loadFailed(h: History, problem: string): History {
  return { ...h, phase: "failed", problem, target: 0n };
}
