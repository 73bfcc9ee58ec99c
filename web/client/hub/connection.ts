// The connection: the phases of the stream, its watchdog and the delay before the
// next attempt, and whether calls are answered.

import { backoff } from "../backoff";
import type { Failure } from "../failure";
import type { JoinedFrame, Subscription } from "../model";
import type { Effect, Env, Transition } from "./effect";

/** How long the first frame of a stream may take, in milliseconds. */
export const joinTimeout = 10_000;
/** How much later than due a heartbeat may be before the server is asked whether it is there, in milliseconds. */
export const heartbeatGrace = 3_000;
/** How old the last sign of the server may be when the user does something, in milliseconds. */
export const freshFor = 5_000;
/** How long a stream must have lived for earlier failures to be forgotten, in milliseconds. */
export const healthyAfter = 5_000;

export type Phase =
  | "idle" // no room is wanted
  | "signingIn" // no stream: a token is requested first
  | "connecting" // a stream is requested, no frame received yet
  | "catchingUp" // joined, the replay of a room is being received
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
  /** The interval of heartbeats, 0 before the first stream. */
  readonly heartbeat: number;
  /** Names the stream when its token is renewed; empty if there is nothing to renew. */
  readonly streamId: string;
  /** When the token expires, by the server's clock; 0 if it does not. */
  readonly tokenExpires: number;
  /** A call waits for its answer, or got none, and nothing shows that the server answers. */
  readonly unanswered: boolean;
  /** The number of the newest question whether the server answers. */
  readonly probe: number;
  /** When that question was asked, 0 if there is none in flight. */
  readonly probedAt: number;
  /** When the server has last answered a question. */
  readonly answeredAt: number;
  /** The server announced that it drains, and no stream was joined since. */
  readonly draining: boolean;
  /** The browser's report on the network, which may be wrong. */
  readonly online: boolean;
  /** Whether the stream has begun to report changes to the list of rooms. */
  readonly roomsWatched: boolean;
  /** Whether any stream has caught up. */
  readonly caughtUpOnce: boolean;
  /** Whether the token was refused, and so was the one after it. */
  readonly expired: boolean;
  /** Why the server refused, null if it did not. */
  readonly failure: Failure | null;
}

export const disconnected: Connection = {
  phase: "idle",
  stream: 0,
  memberId: "",
  failures: 0,
  retryAt: 0,
  joinedAt: 0,
  lastFrameAt: 0,
  silenceTimeout: 0,
  heartbeat: 0,
  streamId: "",
  tokenExpires: 0,
  unanswered: false,
  probe: 0,
  probedAt: 0,
  answeredAt: 0,
  draining: false,
  online: true,
  roomsWatched: false,
  caughtUpOnce: false,
  expired: false,
  failure: null,
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
  rooms: readonly Subscription[],
  now: number,
): Transition<Connection> {
  const stream = c.stream + 1;
  return [
    { ...c, phase: "connecting", stream, memberId, silenceTimeout: joinTimeout, lastFrameAt: now, streamId: "" },
    { type: "stopTimer", timer: "reconnect" },
    ...hangUp(c),
    { type: "openStream", stream, token, rooms },
    { type: "startTimer", timer: "watchdog", after: joinTimeout },
  ];
}

/** Closes the stream until there is a token. */
export function awaitToken(c: Connection): Transition<Connection> {
  return [{ ...c, phase: "signingIn" }, { type: "stopTimer", timer: "reconnect" }, ...hangUp(c)];
}

/** Closes the stream for good: the server refuses. */
export function markRefused(c: Connection, failure: Failure | null): Transition<Connection> {
  return [{ ...c, phase: "refused", failure }, ...hangUp(c)];
}

/** Closes the stream: no room is wanted. */
export function rest(c: Connection): Transition<Connection> {
  return [{ ...c, phase: "idle" }, { type: "stopTimer", timer: "reconnect" }, ...hangUp(c)];
}

/**
 * Closes the stream and waits, longer after every failure in a row, and at least so many
 * milliseconds. An attempt that a server has left unanswered has taken long enough itself: the
 * next one, which is answered as soon as the server continues, follows soon.
 */
export function waitToRetry(c: Connection, { now, random }: Env, least = 0): Transition<Connection> {
  const failures = isJoined(c) && now - c.joinedAt >= healthyAfter ? 1 : c.failures + 1;
  const isUnanswered = c.phase === "connecting" && now - c.lastFrameAt >= joinTimeout;
  const delay = Math.max(least, backoff(isUnanswered ? 1 : failures, random));
  // A server that drains has announced when to reconnect, with jitter.
  const after = c.draining && c.retryAt > now ? c.retryAt - now : delay;
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

/** Whether a heartbeat is late: the server may be gone. */
export function isLate(c: Connection, now: number): boolean {
  return isJoined(c) && now - c.lastFrameAt >= c.heartbeat + heartbeatGrace;
}

/** Whether nothing has come from the server for so long that a user who does something should know more. */
export function isStale(c: Connection, now: number): boolean {
  return isJoined(c) && now - Math.max(c.lastFrameAt, c.answeredAt) >= freshFor;
}

/** Starts the watchdog again, for the time until the next heartbeat is late, or until the stream is dead. */
export function rearmWatchdog(c: Connection, now: number): Effect {
  const timeout = isJoined(c) && !isLate(c, now) ? c.heartbeat + heartbeatGrace : c.silenceTimeout;
  return { type: "startTimer", timer: "watchdog", after: Math.max(0, c.lastFrameAt + timeout - now) };
}

/** The stream is joined. Two missed heartbeats mean that it is dead. */
export function joined(c: Connection, frame: JoinedFrame, now: number): Transition<Connection> {
  const { heartbeat, streamId, tokenExpires } = frame;
  const next: Connection = {
    ...c,
    phase: "catchingUp",
    joinedAt: now,
    heartbeat,
    streamId,
    tokenExpires,
    silenceTimeout: Math.max(2 * heartbeat, heartbeat + heartbeatGrace),
    draining: false,
    roomsWatched: false,
    unanswered: false,
    expired: false,
    failure: null,
  };
  return [next, rearmWatchdog(next, now)];
}

/** A frame was received: the stream is alive. */
export function frameReceived(c: Connection, now: number): Connection {
  return { ...c, lastFrameAt: now };
}

/** The replay of every room is complete. */
export function caughtUp(c: Connection): Connection {
  return { ...c, phase: "live", caughtUpOnce: true };
}

/** The stream reports changes to the list of rooms. */
export function watchRooms(c: Connection): Connection {
  return { ...c, roomsWatched: true };
}

/** The server refused the token. The attempt with a new one is not delayed, but the one after it is. */
export function tokenRefused(c: Connection): Connection {
  return { ...c, failures: 1 };
}

/** The token was refused, and the one before it was as well. */
export function tokensRefused(c: Connection): Connection {
  return { ...c, expired: true };
}

/** Asks the server whether it answers, unless that is being asked. */
export function check(c: Connection, room: string, now: number): Transition<Connection> {
  if (!isJoined(c) || c.probedAt > 0) return [c];
  const probe = c.probe + 1;
  return [
    { ...c, probe, probedAt: now },
    { type: "stopTimer", timer: "probe" },
    { type: "probe", serial: probe, room },
  ];
}

/** A call waits for its answer, or has failed without one. */
export function callUnanswered(c: Connection): Connection {
  return c.unanswered ? c : { ...c, unanswered: true };
}

/** The server has answered a call. */
export function callAnswered(c: Connection): Connection {
  return c.unanswered ? { ...c, unanswered: false } : c;
}

/** The answer to the question: the server is there. */
export function probeAnswered(c: Connection, now: number): Connection {
  return { ...c, unanswered: false, probedAt: 0, answeredAt: now };
}

/**
 * The question was not answered. If the stream still brings frames, it stays, and the
 * question is asked again; the second value says that it is dead.
 */
export function probeFailed(c: Connection, { random }: Env): [Transition<Connection>, boolean] {
  const isDead = isJoined(c) && c.lastFrameAt <= c.probedAt;
  const next = { ...c, unanswered: true, probedAt: 0 };
  if (isDead) return [[next], true];
  return [[next, { type: "startTimer", timer: "probe", after: backoff(4, random) }], false];
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
