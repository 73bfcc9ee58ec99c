// What the session does when a sign-in ends.

import type { Failure } from "../failure";
import type { Identity } from "../model";
import * as auth from "../state/auth";
import { isOpen } from "../state/connection";
import { dropAll } from "../state/outbox";
import { flush } from "./sending";
import type { Step } from "./step";
import { connect, retry } from "./stream";

/** The user submits a name. */
export function submitName(s: Step, name: string): void {
  s.apply("auth", auth.signIn(s.state.auth, name, "form"));
}

/** There is an identity: the stream has to be that member's, and the outbox can be sent. */
export function signedIn(s: Step, identity: Identity, isNew: boolean): void {
  s.set("auth", auth.withIdentity(s.state.auth, identity));
  if (isNew) s.emit({ type: "storeIdentity", identity });
  const { connection } = s.state;
  const isOther = isOpen(connection) && connection.memberId !== identity.member.id;
  if (connection.phase === "signingIn" || isOther) connect(s);
  flush(s);
}

export function signInFailed(s: Step, failure: Failure): void {
  const [transition, reaction] = auth.signInFailed(s.state.auth, failure);
  s.apply("auth", transition);
  // A form that was submitted meanwhile may have replaced the sign-in that the stream waits for.
  const isStuck = s.state.connection.phase === "signingIn" && !s.state.auth.pending;
  if (reaction === "retry") retry(s, failure.retryAfter);
  else if (reaction === "connect" || isStuck) connect(s);
}

/** The user signs out: the token is revoked. */
export function signOut(s: Step): void {
  s.apply("auth", auth.signOut(s.state.auth));
  forgetIdentity(s);
}

/** What is not sent yet is not sent under another name, and the stream is nobody's. */
export function forgetIdentity(s: Step): void {
  const [forgotten] = auth.signOut(s.state.auth);
  s.set("auth", forgotten);
  s.set("outbox", dropAll(s.state.outbox));
  connect(s);
}
