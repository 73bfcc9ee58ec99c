// The rooms of the sidebar: in two groups, in an order that can be held while the
// list is in use, and filtered.

import { type KnownRoom, type RoomList, unreadCount } from "../../client";

/** A room as the sidebar shows it. */
export interface RoomItem {
  readonly name: string;
  readonly displayName: string;
  readonly topic: string;
  /** How many messages are unread, 100 for 100 or more. */
  readonly unread: number;
}

export interface RoomGroups {
  /** The rooms that were visited, the current one included. */
  readonly visited: readonly RoomItem[];
  readonly others: readonly RoomItem[];
}

/**
 * Groups the rooms: those with unread messages first, then the most recently active.
 * The current room has nothing unread, and is included even if it is not listed.
 */
export function groupRooms(rooms: RoomList | null, current: string): RoomGroups {
  const known = [...(rooms?.known.values() ?? [])].filter((room) => room.name !== current);
  const unlisted = { name: current, displayName: "", topic: "", lastActivity: 0 };
  const here = { ...unlisted, ...rooms?.known.get(current), unread: 0 };
  const visited = known.filter((room) => room.read !== null).map(withUnread);
  const others = known.filter((room) => room.read === null).map(withUnread);
  return { visited: [...visited, here].sort(byActivity), others: others.sort(byActivity) };
}

/** Returns the groups in an earlier order. New rooms come last. */
export function keepOrder(now: RoomGroups, before: RoomGroups): RoomGroups {
  const left = new Map([...now.visited, ...now.others].map((item) => [item.name, item]));
  const take = (items: readonly RoomItem[]) =>
    items.flatMap(({ name }) => {
      const item = left.get(name);
      left.delete(name);
      return item ?? [];
    });
  const visited = take(before.visited);
  const others = take(before.others);
  return { visited: [...visited, ...take(now.visited)], others: [...others, ...take(now.others)] };
}

/** Returns the rooms whose name or display name contains a text. Case and accents do not matter. */
export function filterRooms({ visited, others }: RoomGroups, text: string): RoomGroups {
  const wanted = foldCase(text.trim().replace(/^#/, ""));
  if (wanted === "") return { visited, others };
  const matches = ({ name, displayName }: RoomItem) => name.includes(wanted) || foldCase(displayName).includes(wanted);
  return { visited: visited.filter(matches), others: others.filter(matches) };
}

/** Returns the first n rooms. */
export function firstRooms({ visited, others }: RoomGroups, n: number): RoomGroups {
  return { visited: visited.slice(0, n), others: others.slice(0, Math.max(0, n - visited.length)) };
}

export function groupsSize({ visited, others }: RoomGroups): number {
  return visited.length + others.length;
}

type ActiveItem = RoomItem & Pick<KnownRoom, "lastActivity">;

function withUnread(room: KnownRoom): ActiveItem {
  return { ...room, unread: unreadCount(room) };
}

function byActivity(a: ActiveItem, b: ActiveItem): number {
  return Number(b.unread > 0) - Number(a.unread > 0) || b.lastActivity - a.lastActivity || (a.name < b.name ? -1 : 1);
}

function foldCase(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase();
}
