// Typing notifications: which members are typing, and what the others were told
// about this one.

import type { Member } from "../model";
import type { Transition } from "./effect";

/** How long a member counts as typing after a notification, in milliseconds. */
export const typingTimeout = 6_000;
/** The shortest time between two notifications, in milliseconds. */
export const notifyInterval = 3_000;

export interface Typing {
  /** The other members who are typing, in the order in which they began. */
  readonly others: readonly { readonly member: Member; readonly until: number }[];
  /** When the others were last notified. */
  readonly notifiedAt: number;
  /** Whether the others may take this member to be typing. */
  readonly notified: boolean;
}

export const noTyping: Typing = { others: [], notifiedAt: -Infinity, notified: false };

/** Another member types, or has stopped. */
export function typingReceived(typing: Typing, member: Member, stopped: boolean, now: number): Transition<Typing> {
  const until = now + typingTimeout;
  const at = typing.others.findIndex((o) => o.member.id === member.id);
  if (stopped) return withTimer(typingEnded(typing, member), now);
  const others = at < 0 ? [...typing.others, { member, until }] : typing.others.with(at, { member, until });
  return withTimer({ ...typing, others }, now);
}

/** A member has another name. */
export function typistRenamed(typing: Typing, member: Member): Typing {
  const at = typing.others.findIndex((o) => o.member.id === member.id);
  const other = typing.others[at];
  return other ? { ...typing, others: typing.others.with(at, { ...other, member }) } : typing;
}

/** A member does not type any more. */
export function typingEnded(typing: Typing, { id }: Member): Typing {
  const others = typing.others.filter((o) => o.member.id !== id);
  return others.length < typing.others.length ? { ...typing, others } : typing;
}

/** A stream begins: nothing is known of the others. */
export function clearTyping(typing: Typing): Typing {
  return typing.others.length > 0 ? { ...typing, others: [] } : typing;
}

/** Drops the members whose notification is too old. */
export function expireTyping(typing: Typing, now: number): Transition<Typing> {
  const others = typing.others.filter((o) => o.until > now);
  return withTimer(others.length < typing.others.length ? { ...typing, others } : typing, now);
}

function withTimer(typing: Typing, now: number): Transition<Typing> {
  if (typing.others.length === 0) return [typing];
  const after = Math.min(...typing.others.map((o) => o.until)) - now;
  return [typing, { type: "startTimer", timer: "typing", after }];
}

/** Notifies the others of a draft, or that it is empty again. */
export function notifyTyping(typing: Typing, isEmpty: boolean, now: number): Transition<Typing> {
  const elapsed = now - typing.notifiedAt;
  if (isEmpty ? !typing.notified || elapsed >= typingTimeout : elapsed < notifyInterval) return [typing];
  const next = isEmpty ? { ...typing, notified: false } : { ...typing, notified: true, notifiedAt: now };
  return [next, { type: "sendTyping", stopped: isEmpty }];
}

/** The draft was sent: the message itself tells the others that typing has ended. */
export function draftSent(typing: Typing): Typing {
  return { ...typing, notified: false };
}
