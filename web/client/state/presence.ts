// Who is in the room. The server lists the members and reports who joins and
// leaves; in a large room it only reports counts, and the list is requested again
// from time to time.

import type { Event, JoinedRoom, Member, MembersPage } from "../model";
import type { Transition } from "./effect";

/** The shortest time between two requests for the list, in milliseconds. */
export const listInterval = 5_000;
/** How many members are kept at most; the others are only counted. */
export const maxMembers = 250;

export interface Presence {
  /** How many are in the room, those without an id included. */
  readonly count: number;
  /** The members with an id; null until they were listed. */
  readonly members: readonly Member[] | null;
  /** The user, as others see it in the room; null before the first stream. */
  readonly self: Member | null;
  /** Whether there are more of them than are kept. */
  readonly more: boolean;
  /** Whether the list is on screen. */
  readonly shown: boolean;
  /** Whether the list may be out of date. */
  readonly stale: boolean;
  /** When it was last requested. */
  readonly requestedAt: number;
  readonly serial: number;
  /** The events since a request that is in flight, null while none is. */
  readonly eventsDuringLoad: readonly Event[] | null;
}

/** The other parts of the state that presence reads. */
export interface PresenceContext {
  /** Whether there is a stream, and the page is visible. */
  readonly active: boolean;
  readonly now: number;
}

export const unknownPresence: Presence = {
  count: 0,
  members: null,
  self: null,
  more: false,
  shown: false,
  stale: true,
  requestedAt: -Infinity,
  serial: 0,
  eventsDuringLoad: null,
};

/** A stream begins: joins and leaves before it were not reported. */
export function streamJoined(
  p: Presence,
  { members: count, member: self }: JoinedRoom,
  context: PresenceContext,
): Transition<Presence> {
  return refreshMembers({ ...p, count, self, stale: true, requestedAt: -Infinity, eventsDuringLoad: null }, context);
}

/** The list is shown or hidden. */
export function showMembers(p: Presence, shown: boolean, context: PresenceContext): Transition<Presence> {
  return refreshMembers({ ...p, shown }, context);
}

/** Requests the list if it is on screen and out of date, at most once per interval. */
export function refreshMembers(p: Presence, { active, now }: PresenceContext): Transition<Presence> {
  if (!active || !p.shown || !p.stale || p.eventsDuringLoad) return [p];
  const after = p.requestedAt + listInterval - now;
  if (after > 0) return [p, { type: "startTimer", timer: "members", after }];
  const serial = p.serial + 1;
  return [
    { ...p, serial, stale: false, requestedAt: now, eventsDuringLoad: [] },
    { type: "listMembers", serial },
  ];
}

/** The list was received; null if the request failed. */
export function membersListed(p: Presence, page: MembersPage | null, context: PresenceContext): Transition<Presence> {
  if (!page) return refreshMembers({ ...p, stale: true, eventsDuringLoad: null }, context);
  const events = p.eventsDuringLoad ?? [];
  const members = events.reduce(applyMemberEvent, page.members);
  // The count of an event is newer than the page's, or is repeated by the next event.
  const count = events.some((e) => "members" in e.body) ? p.count : page.total;
  return refreshMembers({ ...p, members, more: page.more, count, eventsDuringLoad: null }, context);
}

/** Applies an event about members. */
export function memberEvent(p: Presence, e: Event, context: PresenceContext): Transition<Presence> {
  const next = {
    ...p,
    count: "members" in e.body ? e.body.members : p.count,
    self: e.body.kind === "memberRenamed" && e.sender.id === p.self?.id ? e.sender : p.self,
    eventsDuringLoad: p.eventsDuringLoad && [...p.eventsDuringLoad, e],
  };
  if (e.body.kind === "memberCount") return refreshMembers({ ...next, stale: true }, context);
  return [{ ...next, members: p.members && applyMemberEvent(p.members, e) }];
}

function applyMemberEvent(members: readonly Member[], { body, sender }: Event): readonly Member[] {
  const at = members.findIndex((m) => m.id === sender.id);
  switch (body.kind) {
    case "memberJoined":
    case "memberRenamed":
      if (sender.id === "") return members;
      if (at >= 0) return members.with(at, sender);
      return body.kind === "memberJoined" && members.length < maxMembers ? [...members, sender] : members;
    case "memberLeft":
      return at < 0 ? members : members.toSpliced(at, 1);
    default:
      return members;
  }
}
