// The loading of pages of the log, at most one at a time.

import type { Failure } from "../failure";
import type { PagePosition } from "../model";
import type { Transition } from "./effect";

export interface History {
  readonly phase: "idle" | "loading" | "failed";
  /** What was requested last: the page before or after the timeline, the newest one, the one with the target, or the first one of the log. */
  readonly page: "earlier" | "later" | "newest" | "around" | "oldest";
  readonly serial: number;
  /** Why the last request failed, null if it did not. */
  readonly failure: Failure | null;
  /** The sequence of the message that the user wants to see, 0 for none. */
  readonly target: bigint;
  /** Whether the message nearest to the target will do if the target is no message. */
  readonly nearest: boolean;
  /** The sequence of the last target that is no message, because it was deleted or is not retained; 0 for none. */
  readonly absent: bigint;
}

export const idleHistory: History = {
  phase: "idle",
  page: "earlier",
  serial: 0,
  failure: null,
  target: 0n,
  nearest: false,
  absent: 0n,
};

/** Requests a page. */
export function loadPage(h: History, page: History["page"], position: PagePosition): Transition<History> {
  const serial = h.serial + 1;
  return [
    { ...h, phase: "loading", page, serial, failure: null },
    { type: "listEvents", serial, position },
  ];
}

/** The page was received. */
export function loadDone(h: History): History {
  return { ...h, phase: "idle" };
}

/** The page that was requested is of no use: its answer is ignored. */
export function cancelPage(h: History): History {
  return { ...h, phase: "idle", serial: h.serial + 1, failure: null, target: 0n };
}

/** The user wants to see the message with a sequence, or with 0 no message any more. */
export function setTarget(h: History, sequence: bigint, nearest = false): History {
  return { ...h, target: sequence, nearest, absent: 0n };
}

/** The target is no message, or it was never found. */
export function targetAbsent(h: History): History {
  return { ...h, target: 0n, absent: h.nearest ? 0n : h.target };
}

/** The request has failed: the user may try again. */
export function loadFailed(h: History, failure: Failure): History {
  return { ...h, phase: "failed", failure };
}
