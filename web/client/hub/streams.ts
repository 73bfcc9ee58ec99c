// Opening and reopening the stream.

import type { Failure } from "../failure";
import { dropToken, needsSignIn, signIn } from "./auth";
import * as connection from "./connection";
import type { HubStep } from "./hub-step";
import type { Want } from "./input";
import * as lines from "./lines";
import { flush } from "./sending";

/** How long the rooms that are wanted next are waited for, in milliseconds: one stream is opened for all of them. */
export const gatherTime = 10;
/** How long the stream keeps rooms that no tab wants, in milliseconds. */
export const lingerTime = 2_000;

/** A tab wants exactly these rooms. It gets the state of those that the stream has. */
export function want(s: HubStep, tab: string, rooms: readonly Want[]): void {
  const before = s.state.lines;
  s.set("lines", lines.want(before, tab, rooms));
  for (const { room } of rooms) {
    const line = s.state.lines.get(room);
    if (!line || before.get(room)?.tabs.includes(tab)) continue;
    const { state, cursor, caughtUp, refusal } = line;
    if (state) s.publish({ type: "joined", to: tab, state, after: cursor, caughtUp });
    if (refusal) s.publish({ type: "refused", to: tab, room, failure: refusal });
  }
  const { phase } = s.state.connection;
  if (phase === "waiting" || phase === "signingIn" || !lines.isDifferent(s.state.lines)) return;
  const isMore = lines.isMissing(s.state.lines);
  const gather = phase === "idle" ? 0 : gatherTime; // the first stream has the rooms of one task
  s.emit({ type: "startTimer", timer: "resubscribe", after: isMore ? gather : lingerTime });
}

/** Opens a stream with the rooms that are wanted now, if the current one has others. */
export function resubscribe(s: HubStep): void {
  const { phase } = s.state.connection;
  if (phase === "waiting" || phase === "signingIn" || !lines.isDifferent(s.state.lines)) return;
  connect(s);
}

/** Opens a stream at the cursors, in place of the current one. It gets a token first if there is none any more. */
export function connect(s: HubStep): void {
  s.set("lines", lines.streamLost(lines.dropUnwanted(s.state.lines)));
  if (needsSignIn(s.state.auth)) {
    s.apply("connection", connection.awaitToken(s.state.connection));
    if (!s.state.auth.pending) s.apply("auth", signIn(s.state.auth, s.state.auth.name, "return"));
    return;
  }
  const rooms = lines.subscriptions(s.state.lines);
  if (rooms.length === 0) {
    const isRefused = s.state.lines.size > 0;
    const { connection: c } = s.state;
    s.apply("connection", isRefused ? connection.markRefused(c, c.failure) : connection.rest(c));
    return flush(s);
  }
  const memberId = s.state.auth.identity?.member.id ?? "";
  s.apply("connection", connection.open(s.state.connection, s.token, memberId, rooms, s.env.now));
}

/** Closes the stream and opens another one after a delay, of at least what the server asks for. */
export function retry(s: HubStep, retryAfter = 0): void {
  s.set("lines", lines.streamLost(s.state.lines));
  s.apply("connection", connection.waitToRetry(s.state.connection, s.env, retryAfter));
}

/** The user wants a connection now: an attempt in flight is replaced, and what was refused is tried again. */
export function reconnect(s: HubStep): void {
  s.set("lines", lines.forgetRefusals(s.state.lines));
  if (s.state.auth.provided) s.set("auth", { ...s.state.auth, failure: null });
  if (connection.isJoined(s.state.connection) && !lines.isDifferent(s.state.lines)) check(s);
  else connect(s);
  flush(s);
}

/** Ends all delays, and replaces a stream that died while the device was asleep. */
export function wake(s: HubStep): void {
  const { connection: c } = s.state;
  if (c.phase === "waiting" || connection.isSilent(c, s.env.now)) connect(s);
  else check(s);
  flush(s);
}

export function networkChanged(s: HubStep, online: boolean): void {
  s.apply("connection", connection.networkChanged(s.state.connection, online, s.env));
  check(s);
}

/** Finds out whether the server answers. */
export function check(s: HubStep): void {
  const [room = ""] = s.state.lines.keys();
  s.apply("connection", connection.check(s.state.connection, room, s.env.now));
}

/** A call waits for its answer, or has failed without one. */
export function callUnanswered(s: HubStep): void {
  s.set("connection", connection.callUnanswered(s.state.connection));
  check(s);
}

/** The server does not answer. */
export function probeFailed(s: HubStep): void {
  const [transition, isDead] = connection.probeFailed(s.state.connection, s.env);
  s.apply("connection", transition);
  if (isDead) retry(s);
}

/** The watchdog's timer has fired: frames that came since the start of the timer postpone it. */
export function checkSilence(s: HubStep): void {
  const { now } = s.env;
  const { connection: c } = s.state;
  if (connection.isSilent(c, now)) return retry(s);
  if (connection.isLate(c, now)) check(s);
  if (connection.isOpen(c)) s.emit(connection.rearmWatchdog(c, now));
}

/** The stream could not be continued with the new token: another one can. */
export function renewFailed(s: HubStep): void {
  connect(s);
}

/** The stream has ended. */
export function streamEnded(s: HubStep, end: Failure): void {
  const { failures } = s.state.connection;
  switch (end.code) {
    case "unauthenticated":
      return tokenRefused(s, end, failures > 0);
    case "permission_denied":
      return refused(s, end);
    case "invalid_argument":
      s.set("lines", lines.streamLost(s.state.lines));
      return s.apply("connection", connection.markRefused(s.state.connection, end));
    default:
      retry(s, end.retryAfter);
  }
}

function tokenRefused(s: HubStep, end: Failure, isNew: boolean): void {
  const { connection: c, auth } = s.state;
  if (end.reason === "TOKEN_REQUIRED") return refused(s, end); // there is none, and the room needs one
  if (isNew) {
    s.set("auth", dropToken(auth, s.token));
    s.set("connection", connection.tokensRefused(c));
    return retry(s); // another one would be refused as well
  }
  s.set("auth", dropToken(auth, s.token));
  s.set("connection", connection.tokenRefused(c));
  connect(s);
}

/** The server refuses a room: the stream continues with the others. */
function refused(s: HubStep, failure: Failure): void {
  const { connection: c } = s.state;
  s.publish({ type: "listRooms" }); // no stream may ask for the list, and the user may want another room
  const only = s.state.lines.size === 1 ? [...s.state.lines.keys()][0] : undefined;
  const room = failure.room ?? only;
  const line = room === undefined ? undefined : s.state.lines.get(room);
  s.set("lines", lines.streamLost(s.state.lines));
  if (room === undefined || !line) return s.apply("connection", connection.markRefused(c, failure));
  s.set("lines", lines.withLine(s.state.lines, room, { ...line, state: null, caughtUp: false, refusal: failure }));
  s.set("connection", { ...c, failure });
  s.publish({ type: "refused", to: null, room, failure });
  connect(s);
}
