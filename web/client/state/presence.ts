// Who is in the room. The server lists them, and tells who comes and goes; in a
// large room it only counts, and the list is asked for again from time to time.

import type { Crowd, Event, Member } from "../model";
import type { Turn } from "../session/step";

/** The shortest time between two lists, in milliseconds. */
export const listEvery = 5_000;
/** The most members that are held; the rest is a number. */
export const held = 250;

export interface People {
  /** How many are here, those without a name included. */
  readonly count: number;
  /** Those who are known to be here; null until they were listed. */
  readonly members: readonly Member[] | null;
  /** Whether there are more with a name than are held. */
  readonly more: boolean;
  /** Whether somebody looks at the list. */
  readonly shown: boolean;
  /** Whether the list may be wrong. */
  readonly stale: boolean;
  /** When it was last asked for. */
  readonly askedAt: number;
  readonly serial: number;
  /** What happened since it was asked for, while the answer is awaited. */
  readonly meanwhile: readonly Event[] | null;
}

export const nobody: People = {
  count: 0, members: null, more: false, shown: false, stale: true, askedAt: -Infinity, serial: 0, meanwhile: null,
};

/** A stream begins: who came and went before it, nobody told. */
export function recount(turn: Turn, count: number): void {
  turn.people({ count, stale: true, askedAt: -Infinity, meanwhile: null });
  refresh(turn);
}

/** Shows the list, or stops doing so. */
export function show(turn: Turn, shown: boolean): void {
  turn.people({ shown });
  refresh(turn);
}

/** Asks for the list, if somebody wants it and it isn't too soon. */
export function refresh(turn: Turn): void {
  const { people, link, looking } = turn.state;
  if (!people.shown || !looking.visible || !people.stale || people.meanwhile) return;
  if (link.phase !== "live" && link.phase !== "catchingUp") return; // it is done when the stream stands
  const wait = people.askedAt + listEvery - turn.env.now;
  if (wait > 0) {
    turn.do({ type: "timer", timer: "people", after: wait });
    return;
  }
  const serial = people.serial + 1;
  turn.people({ serial, stale: false, askedAt: turn.env.now, meanwhile: [] });
  turn.do({ type: "people", serial, token: turn.token });
}

/** The list has come, or null if it could not be had. */
export function listed(turn: Turn, crowd: Crowd | null): void {
  const { meanwhile } = turn.state.people;
  if (!crowd) {
    turn.people({ stale: true, meanwhile: null });
    refresh(turn);
    return;
  }
  const events = meanwhile ?? [];
  const members = events.reduce(moved, crowd.members);
  // What an event said came later than the list, or is said again by the next one.
  const counted = events.some((e) => "members" in e.body);
  turn.people({ members, more: crowd.more, meanwhile: null, ...(!counted && { count: crowd.total }) });
  refresh(turn);
}

/** Takes what an event says about members. */
export function met(turn: Turn, e: Event): void {
  const { people } = turn.state;
  if (e.body.kind === "memberCount") {
    turn.people({ count: e.body.members, stale: true });
    if (people.meanwhile) turn.people({ meanwhile: [...people.meanwhile, e] });
    refresh(turn);
    return;
  }
  turn.people({
    count: "members" in e.body ? e.body.members : people.count,
    members: people.members && moved(people.members, e),
    meanwhile: people.meanwhile && [...people.meanwhile, e],
  });
}

/** The members after an event about one of them. */
function moved(members: readonly Member[], { body, sender }: Event): readonly Member[] {
  const at = members.findIndex((m) => m.id === sender.id);
  switch (body.kind) {
    case "memberJoined":
    case "memberRenamed":
      if (sender.id === "") return members;
      if (at >= 0) return members.with(at, sender);
      return body.kind === "memberJoined" && members.length < held ? [...members, sender] : members;
    case "memberLeft":
      return at < 0 ? members : members.toSpliced(at, 1);
    default:
      return members;
  }
}
