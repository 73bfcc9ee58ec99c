// Signing in: the first time with a name from a form, later with the name that was
// used before, and in time before the token expires.

import type { Failure } from "../failure";
import type { Event, Identity } from "../model";
import type { Transition } from "./effect";

/** A token that expires within this time is renewed, in milliseconds. */
export const renewBefore = 7 * 24 * 3_600_000;

/** What the user is told when the session of an account has ended. */
export const sessionEnded = "Your sign-in has ended. Sign in again.";

/** Why a token is requested: a submitted form, an expired or refused token, or one that expires soon. */
export type SignInPurpose = "form" | "return" | "renewal";

export interface Auth {
  readonly identity: Identity | null;
  /** The name that was used last, empty before the first sign-in. It outlives the identity. */
  readonly name: string;
  /** All member ids that this session has had: events of any of them are own events. */
  readonly memberIds: readonly string[];
  /** The sign-in that is in flight. */
  readonly pending: { readonly name: string; readonly purpose: SignInPurpose } | null;
  /** The number of the newest sign-in. */
  readonly serial: number;
  /** Why the last name was refused, empty if it was not. */
  readonly problem: string;
}

/** The state for an identity from an earlier visit, null for none. */
export function initialAuth(identity: Identity | null): Auth {
  return {
    identity,
    name: identity?.member.name ?? "",
    memberIds: identity ? idsOf(identity) : [],
    pending: null,
    serial: 0,
    problem: "",
  };
}

/** The ids of a member, the present one last. */
function idsOf({ member, account }: Identity): readonly string[] {
  return [...(account?.formerIds ?? []), member.id];
}

/** Requests a token. If there is a valid one, it is renewed and the member stays the same. */
export function signIn(auth: Auth, name: string, purpose: SignInPurpose): Transition<Auth> {
  const serial = auth.serial + 1;
  return [
    { ...auth, serial, pending: { name, purpose }, problem: "" },
    { type: "signIn", serial, name, token: auth.identity?.token ?? "" },
  ];
}

/** Whether there is a name to sign in with, but no token. */
export function needsSignIn({ identity, name, problem }: Auth): boolean {
  return identity === null && name !== "" && problem === "";
}

/** Drops an expired token. */
export function dropExpired(auth: Auth, now: number): Auth {
  return auth.identity && auth.identity.expires <= now ? withoutToken(auth) : auth;
}

/** Drops a token that the server refused, unless there is a newer one. */
export function dropToken(auth: Auth, token: string): Auth {
  return auth.identity?.token === token ? withoutToken(auth) : auth;
}

/** The name of a guest stays, to get another token with. An account must not become a guest of that name. */
function withoutToken(auth: Auth): Auth {
  if (!auth.identity?.account) return { ...auth, identity: null };
  return { ...initialAuth(null), serial: auth.serial + 1, problem: sessionEnded };
}

/** Whether there is an identity to forget, or the session of an account has ended. */
export function canForget({ identity, problem }: Auth): boolean {
  return identity !== null || problem === sessionEnded;
}

/** Renews a token that expires soon. That of an account ends with its session. */
export function renewIfDue(auth: Auth, now: number): Transition<Auth> {
  const { identity, name, pending } = auth;
  const isDue = identity && !identity.account && !pending && identity.expires - now < renewBefore;
  return isDue ? signIn(auth, name, "renewal") : [auth];
}

/** Forgets the identity and the name: the user is nobody any more. */
export function signOut(auth: Auth): Transition<Auth> {
  const token = auth.identity?.token ?? "";
  const forgotten = { ...initialAuth(null), serial: auth.serial + 1 }; // the answer of a sign-in in flight is ignored
  return token === "" ? [forgotten] : [forgotten, { type: "signOut", token }];
}

/** Uses an identity, from this tab's sign-in or another tab's. */
export function withIdentity(auth: Auth, identity: Identity): Auth {
  const { name } = identity.member;
  const added = idsOf(identity).filter((id) => !auth.memberIds.includes(id));
  const memberIds = added.length === 0 ? auth.memberIds : [...auth.memberIds, ...added];
  return { ...auth, identity, name, memberIds, pending: null, problem: "" };
}

/**
 * Handles a failed sign-in. The second value says what happens to the connection:
 * "retry" waits and tries again, "connect" connects without a token.
 */
export function signInFailed(auth: Auth, failure: Failure): [Transition<Auth>, "retry" | "connect" | "nothing"] {
  const { pending, identity } = auth;
  if (!pending) return [[auth], "nothing"];
  if (failure.code === "unauthenticated" && identity) {
    return [signIn({ ...auth, identity: null }, pending.name, pending.purpose), "nothing"];
  }
  const idle = { ...auth, pending: null };
  if (pending.purpose === "renewal") return [[idle], "nothing"]; // the next connect tries again
  const refused = { ...idle, problem: failure.message };
  if (pending.purpose === "form") return [[refused], "nothing"];
  // The name is not valid, or the server lets no guests sign in.
  const isFinal = failure.code === "invalid_argument" || failure.code === "permission_denied";
  return isFinal ? [[refused], "connect"] : [[idle], "retry"];
}

/** Whether this session sent an event. */
export function isOwn({ memberIds }: Auth, { sender }: Pick<Event, "sender">): boolean {
  return sender.id !== "" && memberIds.includes(sender.id);
}
