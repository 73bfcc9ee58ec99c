// The rooms that the page knows of, and how many messages in them are unread.
//
// A room counts the messages that were ever stored in it. Unread is therefore
// arithmetic: that count less the count up to the last event that was read. The
// list gives the second count once; pushes then change only the first.

import type { ListedRoom, RoomEntry, RoomsPage } from "../model";

/** Unread messages are counted up to this number, which stands for "or more". */
const manyUnread = 100;

/** A room, and how far this browser has read it. */
export interface Known extends RoomEntry {
  /** How many of its messages were read; null if the room was never visited. */
  readonly read: bigint | null;
  /** The newest sequence read since the room was listed, 0 for none. */
  readonly readTo: bigint;
  /**
   * Whether read is the exact count. It is not when the room was read up to an
   * event that lies between two pushes: then only the list has the count.
   */
  readonly exact: boolean;
}

/** The rooms. The value is never changed, only replaced. */
export interface Rooms {
  readonly known: ReadonlyMap<string, Known>;
  /** How many rooms came in pages of the list; others came in pushes. */
  readonly listed: number;
  /** The token of the next page, empty after the last one. */
  readonly next: string;
  /** The least recent activity in the pages. Rooms below it are on later pages. */
  readonly floor: number;
}

/** What happens to rooms between two lists. */
export type Change =
  /** The server reports rooms as they are now, and names that are in the list no longer. */
  | { readonly kind: "pushed"; readonly rooms: readonly RoomEntry[]; readonly removed: readonly string[] }
  /** This browser has read a room up to a sequence, in any of its tabs. */
  | { readonly kind: "read"; readonly room: string; readonly sequence: bigint };

/** The rooms of the first page, and those visited that are on later ones. */
export function listed(page: RoomsPage, visited: Iterable<string>): Rooms {
  const known = new Map<string, Known>();
  if (page.next !== "") for (const name of visited) known.set(name, unlisted(name));
  return extended({ known, listed: 0, next: "", floor: 0 }, page);
}

/** The rooms after one more page. */
export function extended(rooms: Rooms, { rooms: more, next }: RoomsPage): Rooms {
  const known = new Map(rooms.known);
  for (const room of more) known.set(room.name, fromList(room));
  // What was visited and is on no page does not exist any more.
  if (next === "") for (const room of known.values()) if (isUnlisted(room)) known.delete(room.name);
  const floor = next === "" ? 0 : Math.min(...more.map((room) => room.active));
  return { known, listed: rooms.listed + more.length, next, floor };
}

/** The rooms after a change. */
export function changed(rooms: Rooms, change: Change): Rooms {
  const known = new Map(rooms.known);
  switch (change.kind) {
    case "pushed":
      for (const room of change.rooms) known.set(room.name, pushed(known.get(room.name), room));
      for (const name of change.removed) known.delete(name);
      break;
    case "read":
      known.set(change.room, readUpTo(known.get(change.room) ?? unlisted(change.room), change.sequence));
  }
  return { ...rooms, known };
}

/** Whether a visited room is missing from the pages read so far. */
export function isIncomplete({ known, next }: Rooms): boolean {
  return next !== "" && [...known.values()].some(isUnlisted);
}

/** Whether listing again would correct an unread count. */
export function isInexact({ known, floor }: Rooms): boolean {
  return [...known.values()].some((room) => !room.exact && room.head > room.readTo && room.active >= floor);
}

/** How many messages of a room are unread, 100 for 100 or more; 0 if it was never visited. */
export function unreadIn({ read, messages }: Known): number {
  if (read === null || messages <= read) return 0;
  return Number(messages - read < manyUnread ? messages - read : manyUnread);
}

/** How many messages are unread in the rooms other than this one. */
export function unreadBeside(rooms: Rooms | null, current: string): number {
  let sum = 0;
  for (const room of rooms?.known.values() ?? []) if (room.name !== current) sum += unreadIn(room);
  return sum;
}

/** A number of rooms as it is shown, where there may be more. */
export function counted(n: number, more: boolean): string {
  return `${n.toLocaleString()}${more ? "+" : ""}`;
}

/** A number of unread messages as it is shown; empty for none. */
export function badge(unread: number): string {
  if (unread === 0) return "";
  return unread >= manyUnread ? `${manyUnread}+` : `${unread}`;
}

function fromList({ unread, ...room }: ListedRoom): Known {
  return { ...room, read: unread === null ? null : room.messages - BigInt(unread), readTo: 0n, exact: true };
}

/** A room that was visited and of which nothing else is known yet. */
function unlisted(name: string): Known {
  return { name, displayName: "", topic: "", members: 0, head: 0n, messages: 0n, active: 0, read: 0n, readTo: 0n, exact: false };
}

function isUnlisted({ head, exact }: Known): boolean {
  return head === 0n && !exact;
}

function pushed(was: Known | undefined, room: RoomEntry): Known {
  if (was && room.head < was.head) return was; // the list was answered later, and came first
  if (!was || was.read === null) return { ...room, read: null, readTo: 0n, exact: true };
  const { readTo } = was;
  // Of an unlisted room, nothing counts as unread until the list has its count.
  if (room.head > readTo) return { ...was, ...room, read: isUnlisted(was) ? room.messages : was.read };
  return { ...room, read: room.messages, readTo, exact: room.head === readTo };
}

function readUpTo(room: Known, sequence: bigint): Known {
  if (room.read !== null && sequence <= room.readTo) return room;
  const all = sequence >= room.head || room.read === null;
  return { ...room, read: all ? room.messages : room.read, readTo: sequence, exact: sequence === room.head };
}
