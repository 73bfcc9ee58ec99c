// Opening and reopening the room's stream.

import type { StreamEnd } from "../model";
import { dropExpired, dropToken, needsSignIn, renewIfDue, signIn } from "../state/auth";
import * as connection from "../state/connection";
import { flush } from "./sending";
import type { Step } from "./step";

/** How many of the newest events the first stream starts with. */
export const recentEvents = 50;

/** Opens a stream at the cursor, in place of the current one. It gets a token first if there is none any more. */
export function connect(s: Step): void {
  const { now } = s.env;
  s.set("auth", dropExpired(s.state.auth, now));
  if (needsSignIn(s.state.auth)) {
    s.apply("connection", connection.awaitToken(s.state.connection));
    s.apply("auth", signIn(s.state.auth, s.state.auth.name, "return"));
    return;
  }
  s.apply("auth", renewIfDue(s.state.auth, now));
  const { auth, cursor } = s.state;
  const start = cursor ? { after: cursor } : { recent: recentEvents };
  const memberId = auth.identity?.member.id ?? "";
  s.apply("connection", connection.open(s.state.connection, s.token, memberId, start, now));
}

/** Closes the stream and opens another one after a delay, of at least what the server asks for. */
export function retry(s: Step, retryAfter = 0): void {
  s.apply("connection", connection.waitToRetry(s.state.connection, s.env, retryAfter));
}

/** The user wants a connection now: an attempt in flight is replaced. */
export function reconnect(s: Step): void {
  if (!connection.isJoined(s.state.connection)) connect(s);
  wake(s);
}

/** Ends all delays, and replaces a stream that died while the device was asleep. */
export function wake(s: Step): void {
  const { phase } = s.state.connection;
  const isIdle = phase === "waiting" || phase === "refused";
  if (isIdle || connection.isSilent(s.state.connection, s.env.now)) connect(s);
  flush(s);
}

export function networkChanged(s: Step, online: boolean): void {
  s.apply("connection", connection.networkChanged(s.state.connection, online, s.env));
}

/** The watchdog's timer has fired: frames that came since the start of the timer postpone it. */
export function checkSilence(s: Step): void {
  const { now } = s.env;
  if (connection.isSilent(s.state.connection, now)) retry(s);
  else if (connection.isOpen(s.state.connection)) s.emit(connection.rearmWatchdog(s.state.connection, now));
}

/** The stream has ended. */
export function streamEnded(s: Step, end: StreamEnd): void {
  const { failures } = s.state.connection;
  if (end.moved) {
    connect(s);
    return;
  }
  switch (end.code) {
    case "unauthenticated":
      s.set("auth", dropToken(s.state.auth, s.token));
      if (failures > 0) {
        retry(s); // the token was new: another one would be refused as well
      } else {
        s.set("connection", connection.tokenRefused(s.state.connection));
        connect(s);
      }
      return;
    case "invalid_argument":
    case "permission_denied":
      s.apply("connection", connection.markRefused(s.state.connection, end.message));
      s.emit({ type: "listRooms" }); // no stream asks for the list, and the user may want another room
      return;
    default:
      retry(s, end.retryAfter);
  }
}
