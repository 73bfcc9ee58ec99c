// The rooms as the sidebar shows them: in two groups, each in a fixed order while
// the list is in use, and those alone that match a filter.

import { unreadIn, type Known, type Rooms } from "../../client/rooms/room-list";

/** A room as it is shown. */
export interface Entry {
  readonly name: string;
  readonly displayName: string;
  readonly topic: string;
  /** How many messages are unread, 100 for 100 or more. */
  readonly unread: number;
}

export interface Groups {
  /** The rooms that were visited, the one shown among them. */
  readonly visited: readonly Entry[];
  readonly others: readonly Entry[];
}

export const none: Groups = { visited: [], others: [] };

/**
 * Groups the rooms. Those with unread messages come first, then those with the
 * newest activity. The room that is shown has nothing unread, and is there even
 * if it is not listed.
 */
export function grouped(rooms: Rooms | null, current: string): Groups {
  const known = [...(rooms?.known.values() ?? [])].filter((room) => room.name !== current);
  const here = { name: current, displayName: "", topic: "", active: 0, ...rooms?.known.get(current), unread: 0 };
  const visited = known.filter((room) => room.read !== null).map(withUnread);
  const others = known.filter((room) => room.read === null).map(withUnread);
  return { visited: [...visited, here].sort(byActivity), others: others.sort(byActivity) };
}

/**
 * Keeps the groups and their order as they were. What is new comes last, and what
 * is gone is left out.
 */
export function held(now: Groups, before: Groups): Groups {
  const left = new Map([...now.visited, ...now.others].map((entry) => [entry.name, entry]));
  const take = (names: readonly Entry[]) => names.flatMap(({ name }) => {
    const entry = left.get(name);
    return left.delete(name) ? [entry!] : [];
  });
  const visited = take(before.visited);
  const others = take(before.others);
  return { visited: [...visited, ...take(now.visited)], others: [...others, ...take(now.others)] };
}

/** The rooms that have a text in their name or display name, in any case. */
export function matching({ visited, others }: Groups, text: string): Groups {
  const wanted = folded(text.trim().replace(/^#/, ""));
  if (wanted === "") return { visited, others };
  const matches = ({ name, displayName }: Entry) => name.includes(wanted) || folded(displayName).includes(wanted);
  return { visited: visited.filter(matches), others: others.filter(matches) };
}

/** The first rooms, up to a number. */
export function first({ visited, others }: Groups, n: number): Groups {
  return { visited: visited.slice(0, n), others: others.slice(0, Math.max(0, n - visited.length)) };
}

export function size({ visited, others }: Groups): number {
  return visited.length + others.length;
}

type Active = Entry & Pick<Known, "active">;

function withUnread(room: Known): Active {
  return { ...room, unread: unreadIn(room) };
}

function byActivity(a: Active, b: Active): number {
  return Number(b.unread > 0) - Number(a.unread > 0) || b.active - a.active || (a.name < b.name ? -1 : 1);
}

/** Without the difference between capitals and small letters, and without accents. */
function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{Mark}/gu, "").toLowerCase();
}
