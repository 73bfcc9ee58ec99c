// Signing in: the first time with a name from the form, later silently with the
// name that was used before.

import type { Failure, Identity } from "../model";
import type { Turn } from "../session/step";

/** A token with less than this left is renewed, in milliseconds. */
export const renewBefore = 7 * 24 * 3_600_000;

/** Asks for a token. A token that is still valid is renewed: the member stays. */
export function signIn(turn: Turn, name: string, purpose: "form" | "return" | "renewal"): void {
  const serial = turn.state.who.serial + 1;
  turn.who({ serial, asking: { serial, name, for: purpose }, problem: "" });
  turn.do({ type: "signIn", serial, name, token: turn.token });
}

/** Whether there is a name to sign in with, but no valid token. */
export function needsSignIn(turn: Turn): boolean {
  const { identity, name, problem } = turn.state.who;
  if (identity && identity.expires <= turn.env.now) forget(turn, identity.token);
  return turn.state.who.identity === null && name !== "" && problem === "";
}

/** Renews a token that ends soon, while it is still good. */
export function renewIfOld(turn: Turn): void {
  const { identity, name, asking } = turn.state.who;
  if (identity && !asking && identity.expires - turn.env.now < renewBefore) signIn(turn, name, "renewal");
}

/** Drops a token that the server does not accept. The name stays. */
export function forget(turn: Turn, token: string): void {
  if (turn.state.who.identity?.token !== token) return; // there is a newer one
  turn.who({ identity: null });
}

/** Takes an identity, whoever asked for it. */
export function become(turn: Turn, identity: Identity): void {
  const { ids } = turn.state.who;
  turn.who({
    identity,
    name: identity.member.name,
    ids: ids.includes(identity.member.id) ? ids : [...ids, identity.member.id],
    asking: null,
    problem: "",
  });
}

/**
 * Deals with a refusal. It returns what the connection has to do about it:
 * "retry" later, or "connect" without an identity.
 */
export function refused(turn: Turn, failure: Failure): "retry" | "connect" | "nothing" {
  const { asking } = turn.state.who;
  if (!asking) return "nothing";
  if (failure.code === "unauthenticated" && turn.token !== "") {
    forget(turn, turn.token);
    signIn(turn, asking.name, asking.for);
    return "nothing";
  }
  turn.who({ asking: null });
  if (asking.for === "renewal") return "nothing"; // there is time left to try again
  if (asking.for === "form") {
    turn.who({ problem: failure.message });
    return "nothing";
  }
  if (failure.code !== "invalid_argument") return "retry";
  turn.who({ problem: failure.message });
  return "connect";
}
