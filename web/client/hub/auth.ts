// Who the caller is. A guest signs in: the first time with a name from a form, later
// with the name that was used before, and in time before the token expires. An
// application gives tokens of its own. The device's clock decides nothing.

import { type Failure, ownReasons } from "../failure";
import type { Event, Identity, Member } from "../model";
import type { Transition } from "./effect";

/** A guest's token that expires within this time is renewed, in milliseconds. */
export const renewBefore = 7 * 24 * 3_600_000;

/** Why an account has no token any more. */
export const sessionEnded: Failure = {
  code: "unauthenticated",
  message: "Your sign-in has ended. Sign in again.",
  reason: ownReasons.sessionEnded,
};

/** Why a token is requested: a submitted form, an expired or refused token, or one that expires soon. */
export type SignInPurpose = "form" | "return" | "renewal";

export interface Auth {
  /** Whether the application gives the tokens. */
  readonly provided: boolean;
  /** Null until there is a token, or until the application has said that there is none. */
  readonly identity: Identity | null;
  /** The name that was used last, empty before the first sign-in. It outlives the identity. */
  readonly name: string;
  /** All member ids that this session has had: events of any of them are own events. */
  readonly memberIds: readonly string[];
  /** The sign-in that is in flight. */
  readonly pending: { readonly name: string; readonly purpose: SignInPurpose } | null;
  /** The number of the newest sign-in. */
  readonly serial: number;
  /** Why the last name was refused, or why there is no token any more; null if neither. */
  readonly failure: Failure | null;
}

/** The state for an identity from an earlier visit, null for none. */
export function initialAuth(identity: Identity | null, provided = false): Auth {
  return {
    provided,
    identity,
    name: identity?.member.name ?? "",
    memberIds: identity ? idsOf(identity) : [],
    pending: null,
    serial: 0,
    failure: null,
  };
}

/** Whether the caller is a guest, or may become one, and has no account. */
export function isGuest({ provided, identity }: Auth): boolean {
  return !provided && !identity?.account;
}

/** The ids of a member, the present one last. */
function idsOf({ member, account }: Identity): readonly string[] {
  return [...(account?.formerIds ?? []), member.id].filter((id) => id !== "");
}

/** Requests a token. If there is a valid one, it is renewed and the member stays the same. */
export function signIn(auth: Auth, name: string, purpose: SignInPurpose): Transition<Auth> {
  const serial = auth.serial + 1;
  const next = { ...auth, serial, pending: { name, purpose }, failure: null };
  if (auth.provided) return [next, { type: "fetchToken", serial }];
  return [next, { type: "signIn", serial, name, token: auth.identity?.token ?? "" }];
}

/** Whether a token has to be requested before anything else. */
export function needsSignIn({ identity, name, failure, provided }: Auth): boolean {
  return identity === null && failure === null && (provided || name !== "");
}

/** Drops a token that the server refused, unless there is a newer one. */
export function dropToken(auth: Auth, token: string): Auth {
  return auth.identity?.token === token ? withoutToken(auth) : auth;
}

/** The name of a guest stays, to get another token with. An account must not become a guest of that name. */
function withoutToken(auth: Auth): Auth {
  if (!auth.identity?.account) return { ...auth, identity: null };
  return { ...initialAuth(null), serial: auth.serial + 1, failure: sessionEnded };
}

/** Whether there is an identity to forget, or the session of an account has ended. */
export function canForget({ identity, failure }: Auth): boolean {
  return identity !== null || failure?.reason === ownReasons.sessionEnded;
}

/** Renews the token, unless a sign-in is in flight. That of an account ends with its session. */
export function renew(auth: Auth): Transition<Auth> {
  return auth.identity && !auth.identity.account && !auth.pending ? signIn(auth, auth.name, "renewal") : [auth];
}

/** The stream says which member the token stands for. */
export function memberKnown(auth: Auth, member: Member): Auth {
  const { identity } = auth;
  if (!identity || member.id === "" || identity.member.id === member.id) return auth;
  return { ...withIdentity(auth, { ...identity, member }), pending: auth.pending };
}

/** Forgets the identity and the name: the user is nobody any more. */
export function signOut(auth: Auth): Transition<Auth> {
  const token = auth.identity?.token ?? "";
  const forgotten = { ...initialAuth(null, auth.provided), serial: auth.serial + 1 }; // the answer of a sign-in in flight is ignored
  return token === "" ? [forgotten] : [forgotten, { type: "signOut", token }];
}

/** Uses an identity, from this tab's sign-in or another tab's. */
export function withIdentity(auth: Auth, identity: Identity): Auth {
  const { name } = identity.member;
  const added = idsOf(identity).filter((id) => !auth.memberIds.includes(id));
  const memberIds = added.length === 0 ? auth.memberIds : [...auth.memberIds, ...added];
  return { ...auth, identity, name: name || auth.name, memberIds, pending: null, failure: null };
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
  const refused = { ...idle, failure };
  if (pending.purpose === "form") return [[refused], "nothing"];
  // The name is not valid, the server lets no guests sign in, or the application has no token.
  const isFinal = ["invalid_argument", "permission_denied", "unauthenticated"].includes(failure.code);
  return isFinal ? [[refused], "connect"] : [[idle], "retry"];
}

/** Whether this session sent an event. */
export function isOwn({ memberIds }: Auth, { sender }: Pick<Event, "sender">): boolean {
  return sender.id !== "" && memberIds.includes(sender.id);
}
