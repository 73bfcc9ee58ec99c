// How the session follows its room: the stream brings what is new, and pages of the
// history what came before that.

import type { Failure } from "../failure";
import type { Phase } from "../hub/connection";
import type { Cursor, Event, JoinedRoom } from "../model";

export interface Feed {
  /** The phase of the connection, for all rooms. */
  readonly phase: Phase;
  /** The room as the stream has it; null while it does not. */
  readonly state: JoinedRoom | null;
  /** Whether the stream has brought what it owed when the room was joined. */
  readonly streamed: boolean;
  /** The events that wait for a page; null if none is being read. */
  readonly held: readonly Event[] | null;
  /** The number of the newest request for a page. */
  readonly serial: number;
  /** How many requests have failed in a row. */
  readonly failures: number;
  /** Whether the log was reset, so that the newest page replaces the timeline. */
  readonly resetting: boolean;
  /** The sequence after which events were missing and read again. */
  readonly gapAfter: bigint | null;
  /** The end of the log when the room was first joined: events up to it are history. Null before. */
  readonly newAfter: Cursor | null;
  /** Whether the timeline was ever complete: from then on, messages are new. */
  readonly caughtUpOnce: boolean;
  /** Why the server refuses the room; null if it does not. */
  readonly refusal: Failure | null;
}

export const notFollowing: Feed = {
  phase: "idle",
  state: null,
  streamed: false,
  held: null,
  serial: 0,
  failures: 0,
  resetting: false,
  gapAfter: null,
  newAfter: null,
  caughtUpOnce: false,
  refusal: null,
};

/** Whether the timeline is complete up to now. */
export function isLive({ state, streamed, held }: Feed): boolean {
  return state !== null && streamed && held === null;
}

/** What the room is doing, as a phase of the connection. */
export function roomPhase(feed: Feed): Phase {
  const { phase, refusal, state } = feed;
  if (refusal) return "refused";
  if (phase !== "live" && phase !== "catchingUp") return phase;
  if (!state) return "connecting";
  return isLive(feed) ? "live" : "catchingUp";
}

/** The room was joined. after: how far the stream has delivered it to other tabs. */
export function startOfNew({ newAfter }: Feed, { epoch, head }: JoinedRoom, after: Cursor | null): Cursor {
  if (newAfter) return newAfter;
  return { epoch, sequence: after?.epoch === epoch && after.sequence > head ? after.sequence : head };
}

/** Whether an event came after the room was first joined. */
export function isNew({ newAfter }: Feed, sequence: bigint, epoch: string): boolean {
  return newAfter === null || newAfter.epoch !== epoch || sequence > newAfter.sequence;
}

/** Whether the stream continues where the timeline ends. */
export function continues(cursor: Cursor | null, after: Cursor | null): boolean {
  // The first of the newest events does not show what was before it and is not retained.
  if (after === null) return cursor === null;
  return cursor !== null && cursor.epoch === after.epoch && cursor.sequence >= after.sequence;
}
