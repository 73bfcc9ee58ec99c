// What the hub does when a sign-in ends.

import type { Failure } from "../failure";
import type { Identity } from "../model";
import * as auth from "./auth";
import { isJoined, isOpen } from "./connection";
import type { HubStep } from "./hub-step";
import { forgetAll } from "./outbox";
import { flush } from "./sending";
import { connect, retry } from "./streams";

/** The user submits a name. */
export function submitName(s: HubStep, name: string): void {
  s.apply("auth", auth.signIn(s.state.auth, name, "form"));
}

/** There is an identity: the stream has to be that member's, and the outbox can be sent. */
export function signedIn(s: HubStep, identity: Identity, isNew: boolean): void {
  const isRenewal = s.state.auth.pending?.purpose === "renewal";
  const member = isRenewal && identity.member.id === "" ? s.state.auth.identity?.member : undefined;
  s.set("auth", auth.withIdentity(s.state.auth, member ? { ...identity, member } : identity));
  if (isNew && !s.state.auth.provided) s.emit({ type: "storeIdentity", identity });
  const { connection: c, auth: now } = s.state;
  const isOther = isOpen(c) && c.memberId !== now.identity?.member.id;
  if (c.phase === "signingIn" || isOther) connect(s);
  else if (isJoined(c) && c.streamId !== "") {
    s.emit({ type: "renewStream", stream: c.stream, streamId: c.streamId, token: s.token });
  }
  flush(s);
}

export function signInFailed(s: HubStep, failure: Failure): void {
  const [transition, reaction] = auth.signInFailed(s.state.auth, failure);
  s.apply("auth", transition);
  // A form that was submitted meanwhile may have replaced the sign-in that the stream waits for.
  const isStuck = s.state.connection.phase === "signingIn" && !s.state.auth.pending;
  if (reaction === "retry") retry(s, failure.retryAfter);
  else if (reaction === "connect" || isStuck) connect(s);
}

/** The user signs out: the token is revoked. */
export function signOut(s: HubStep): void {
  s.apply("auth", auth.signOut(s.state.auth));
  forgetIdentity(s);
}

export function identityShared(s: HubStep, identity: Identity | null): void {
  if (!identity) {
    if (auth.canForget(s.state.auth)) forgetIdentity(s);
  } else if (identity.token !== s.token) {
    signedIn(s, identity, false);
  }
}

/** What is not sent yet is not sent under another name, and the stream is nobody's. */
function forgetIdentity(s: HubStep): void {
  const [forgotten] = auth.signOut(s.state.auth);
  s.set("auth", forgotten);
  s.apply("outbox", forgetAll(s.state.outbox));
  if (s.state.connection.phase !== "idle") connect(s);
}
