// The rooms of the sidebar: in two groups, in an order that can be held while the
// list is in use, and filtered.

import { type KnownRoom, type RoomList, type Unsent, unreadCount } from "../../client";
import { foldCase } from "./fold-case";
import type { NotifyLevel, RoomSettings } from "./room-settings";
import { appearance, spellsName } from "./room-title";

/** A room as the sidebar shows it. */
export interface RoomItem {
  readonly name: string;
  readonly displayName: string;
  readonly topic: string;
  /** Whether another room looks alike: the display name does not tell which one it is. */
  readonly isAlike: boolean;
  /** How many messages are unread, 100 for 100 or more. */
  readonly unread: number;
  /** How many unread messages mention the user; absent if nothing counts them. */
  readonly mentions?: number;
  readonly level: NotifyLevel;
  /** What was sent and is not stored yet; null for nothing. */
  readonly unsent: Unsent | null;
  /** Whether there is a text that was not sent. */
  readonly hasDraft: boolean;
  /** When the newest event was stored, 0 if there is none. */
  readonly lastActivity: number;
}

/** What this browser knows of rooms, beside the list of the server. */
export interface RoomMarks {
  readonly settings: RoomSettings;
  readonly unsent: ReadonlyMap<string, Unsent>;
  /** The rooms with a draft. */
  readonly drafts: ReadonlySet<string>;
  /** The unread messages that mention the user. */
  readonly mentions: ReadonlyMap<string, readonly bigint[]>;
}

export interface RoomGroups {
  /** The rooms that were visited, the current one included. */
  readonly visited: readonly RoomItem[];
  readonly others: readonly RoomItem[];
}

/** A room of which nothing is to be said. */
export const plainRoom: RoomItem = {
  name: "",
  displayName: "",
  topic: "",
  isAlike: false,
  unread: 0,
  level: "all",
  unsent: null,
  hasDraft: false,
  lastActivity: 0,
};

export const noMarks: RoomMarks = {
  settings: new Map(),
  unsent: new Map(),
  drafts: new Set(),
  mentions: new Map(),
};

/**
 * Groups the rooms: those with unread messages first, then the most recently active. Muted
 * ones have no part in that. The current room has nothing unread, and is included even if it
 * is not listed. A room with something unsent counts as visited.
 */
export function groupRooms(rooms: RoomList | null, current: string, marks: RoomMarks = noMarks): RoomGroups {
  const known = [...(rooms?.known.values() ?? [])].filter((room) => room.name !== current);
  const toItem = (room: KnownRoom) => markedItem(room.name, room, unreadCount(room), marks);
  const here = markedItem(current, rooms?.known.get(current), 0, marks);
  const isVisited = ({ name, read }: KnownRoom) => read !== null || marks.unsent.has(name);
  const unlisted = [...marks.unsent.keys()].filter((name) => name !== current && !rooms?.known.has(name));
  const visited = [
    ...known.filter(isVisited).map(toItem),
    ...unlisted.map((name) => markedItem(name, undefined, 0, marks)),
    here,
  ];
  const others = known.filter((room) => !isVisited(room)).map(toItem);
  const isAlike = findAlike([...visited, ...others]);
  const mark = (item: RoomItem) => (isAlike(item) ? { ...item, isAlike: true } : item);
  return { visited: visited.sort(byActivity).map(mark), others: others.sort(byActivity).map(mark) };
}

/** Returns what tells whether the display name of a room may be taken for that of another one. */
function findAlike(items: readonly RoomItem[]): (item: RoomItem) => boolean {
  const count = new Map<string, number>();
  for (const { name, displayName } of items) {
    for (const look of new Set([appearance(name), appearance(displayName || name)])) {
      count.set(look, (count.get(look) ?? 0) + 1);
    }
  }
  return ({ name, displayName }) => !spellsName(name, displayName) && (count.get(appearance(displayName)) ?? 0) > 1;
}

function markedItem(name: string, room: KnownRoom | undefined, unread: number, marks: RoomMarks): RoomItem {
  const mentions = marks.mentions.get(name)?.length;
  return {
    ...plainRoom,
    name,
    ...(room && { displayName: room.displayName, topic: room.topic, lastActivity: room.lastActivity }),
    unread,
    ...(mentions && { mentions }),
    level: marks.settings.get(name) ?? "all",
    unsent: marks.unsent.get(name) ?? null,
    hasDraft: marks.drafts.has(name),
  };
}

/**
 * What a room's badge says: a number of unread messages or mentions; "dot" for unread ones that
 * the user does not want to be told of; null for nothing.
 */
export function roomBadge({ unread, mentions = 0, level }: RoomItem): number | "dot" | null {
  if (level === "nothing") return unread > 0 ? "dot" : null;
  if (level === "mentions") return mentions > 0 ? mentions : unread > 0 ? "dot" : null;
  return unread > 0 ? unread : null;
}

/** Returns the visited room before or after one, in the order of the list; only unread ones, if wanted. */
export function neighbourRoom(
  items: readonly RoomItem[],
  current: string,
  step: 1 | -1,
  onlyUnread: boolean,
): string | null {
  const at = items.findIndex(({ name }) => name === current);
  for (let i = 1; i < items.length; i++) {
    const item = items[(at + step * i + items.length * 2) % items.length];
    if (item && item.name !== current && (!onlyUnread || typeof roomBadge(item) === "number")) return item.name;
  }
  return null;
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

function byActivity(a: RoomItem, b: RoomItem): number {
  const weight = (item: RoomItem) => Number(typeof roomBadge(item) === "number");
  return weight(b) - weight(a) || b.lastActivity - a.lastActivity || (a.name < b.name ? -1 : 1);
}
