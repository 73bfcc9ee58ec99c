// The connection: the phases of a stream, its watchdog and the delay before the
// next attempt.

import { backoff } from "../backoff";
import type { JoinedFrame, Start } from "../model";
import type { Effect, Env, Transition } from "./effect";

/** How long the first frame of a stream may take, in milliseconds. */
export const joinTimeout = 10_000;
/** How long a stream must have lived for earlier failures to be forgotten, in milliseconds. */
export const healthyAfter = 5_000;

export type Phase =
  | "signingIn" // no stream: a token is requested first
  | "connecting" // a stream is requested, no frame received yet
  | "catchingUp" // joined, the replay is being received
  | "live"
  | "waiting" // for the next attempt at retryAt
  | "refused"; // by the server; only the user reconnects

export interface Connection {
  readonly phase: Phase;
  /** The number of the newest stream. */
  readonly stream: number;
  /** The member id that it was opened as, empty without a token. */
  readonly memberId: string;
  /** How many attempts have failed in a row. */
  readonly failures: number;
  readonly retryAt: number;
  readonly joinedAt: number;
  readonly lastFrameAt: number;
  /** How long the stream may stay silent. */
  readonly silenceTimeout: number;
  /** The log's epoch and newest sequence at the time of joining. */
  readonly epoch: string;
  readonly head: bigint;
  /** The server announced that it drains, and no stream was joined since. */
  readonly draining: boolean;
  /** The browser's report on the network, which may be wrong. */
  readonly online: boolean;
  /** Whether the stream has begun to report changes to the list of rooms. */
  readonly roomsWatched: boolean;
  /** Whether any stream has caught up: from then on, messages are new. */
  readonly caughtUpOnce: boolean;
  /** The sequence after which events were missing and requested again. */
  readonly gapAfter: bigint | null;
  /** Why the server refused. */
  readonly problem: string;
}

export const disconnected: Connection = {
  phase: "connecting",
  stream: 0,
  memberId: "",
  failures: 0,
  retryAt: 0,
  joinedAt: 0,
  lastFrameAt: 0,
  silenceTimeout: 0,
  epoch: "",
  head: 0n,
  draining: false,
  online: true,
  roomsWatched: false,
  caughtUpOnce: false,
  gapAfter: null,
  problem: "",
};

/** Whether there is a stream that was joined. */
export function isJoined({ phase }: Connection): boolean {
  return phase === "live" || phase === "catchingUp";
}

/** Whether there is a stream, or one is requested. */
export function isOpen(c: Connection): boolean {
  return c.phase === "connecting" || isJoined(c);
}

/** Opens a stream in place of the current one. */
export function open(
  c: Connection,
  token: string,
  memberId: string,
  start: Start,
  now: number,
): Transition<Connection> {
  const stream = c.stream + 1;
  return [
    { ...c, phase: "connecting", stream, memberId, silenceTimeout: joinTimeout, lastFrameAt: now },
    { type: "stopTimer", timer: "reconnect" },
    ...hangUp(c),
    { type: "openStream", stream, token, start },
    { type: "startTimer", timer: "watchdog", after: joinTimeout },
  ];
}

/** Closes the stream until there is a token. */
export function awaitToken(c: Connection): Transition<Connection> {
  return [{ ...c, phase: "signingIn" }, { type: "stopTimer", timer: "reconnect" }, ...hangUp(c)];
}

/** Closes the stream for good: the server refuses. */
export function markRefused(c: Connection, problem: string): Transition<Connection> {
  return [{ ...c, phase: "refused", problem }, ...hangUp(c)];
}

/** Closes the stream and waits, longer after every failure in a row, and at least so many milliseconds. */
export function waitToRetry(c: Connection, { now, random }: Env, least = 0): Transition<Connection> {
  const failures = isJoined(c) && now - c.joinedAt >= healthyAfter ? 1 : c.failures + 1;
  // A server that drains has announced when to reconnect, with jitter.
  const after = c.draining && c.retryAt > now ? c.retryAt - now : Math.max(least, backoff(failures, random));
  return [{ ...c, phase: "waiting", failures, retryAt: now + after }, ...hangUp(c), reconnectIn(after)];
}

/** The browser reports a change of the network. */
export function networkChanged(c: Connection, online: boolean, { now, random }: Env): Transition<Connection> {
  if (!online || c.phase !== "waiting") return [{ ...c, online }];
  // All clients behind the same router are notified at the same time.
  const after = backoff(1, random);
  return [{ ...c, online, retryAt: now + after }, reconnectIn(after)];
}

/** Whether the stream has been silent for too long. */
export function isSilent(c: Connection, now: number): boolean {
  return isOpen(c) && now - c.lastFrameAt >= c.silenceTimeout;
}

/** Starts the watchdog again for the time that is left. */
export function rearmWatchdog(c: Connection, now: number): Effect {
  return { type: "startTimer", timer: "watchdog", after: c.lastFrameAt + c.silenceTimeout - now };
}

/** The stream is joined. Two missed heartbeats mean that it is dead. */
export function joined(c: Connection, { epoch, head, heartbeat }: JoinedFrame, now: number): Transition<Connection> {
  const silenceTimeout = 2 * heartbeat;
  return [
    {
      ...c,
      phase: "catchingUp",
      joinedAt: now,
      epoch,
      head,
      silenceTimeout,
      draining: false,
      roomsWatched: false,
      problem: "",
    },
    { type: "startTimer", timer: "watchdog", after: silenceTimeout },
  ];
}

/** A frame was received: the stream is alive. */
export function frameReceived(c: Connection, now: number): Connection {
  return { ...c, lastFrameAt: now };
}

/** The replay is complete. */
export function caughtUp(c: Connection): Connection {
  return { ...c, phase: "live", caughtUpOnce: true };
}

/** The log is another one, or does not go back to the cursor any more. */
export function logReset(c: Connection, epoch: string, head: bigint): Connection {
  return { ...c, epoch, head, gapAfter: null };
}

/** Events are missing after a sequence. */
export function gapFound(c: Connection, sequence: bigint): Connection {
  return { ...c, gapAfter: sequence };
}

/** The stream reports changes to the list of rooms. */
export function watchRooms(c: Connection): Connection {
  return { ...c, roomsWatched: true };
}

/** The server refused the token. The attempt with a new one is not delayed, but the one after it is. */
export function tokenRefused(c: Connection): Connection {
  return { ...c, failures: 1 };
}

/** The server announces that it drains and when to reconnect. */
export function draining(c: Connection, reconnectAfter: number, now: number): Transition<Connection> {
  return [{ ...c, draining: true, retryAt: now + reconnectAfter }, reconnectIn(reconnectAfter)];
}

function hangUp(c: Connection): Effect[] {
  const stop: Effect = { type: "stopTimer", timer: "watchdog" };
  return isOpen(c) ? [stop, { type: "closeStream", stream: c.stream }] : [stop];
}

function reconnectIn(after: number): Effect {
  return { type: "startTimer", timer: "reconnect", after };
}
