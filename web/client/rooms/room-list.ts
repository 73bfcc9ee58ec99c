// The list of rooms, and how many messages in each are unread.
//
// The server counts the messages that were ever stored in a room. Unread is
// therefore arithmetic: that count less the count at the last event that was read.
// The list gives the second count once; frames then change only the first.

import type { Cursor, ListedRoom, RoomSummary, RoomsPage } from "../model";
import type { MessageCount } from "../state/message-count";

/** Unread messages are counted up to this number, which stands for "or more". */
export const manyUnread = 100;

/** A room, and how far this browser has read it. */
export interface KnownRoom extends RoomSummary {
  /** How many of its messages were read; null if the room was never visited. */
  readonly read: bigint | null;
  /** The newest sequence read since the room was listed, 0 for none. */
  readonly readTo: bigint;
  /**
   * Whether read is exact. It is not when the room was read up to an event between
   * the heads of two frames: then it is the least that is possible, and only a new list
   * has the count.
   */
  readonly exact: boolean;
}

/** The value is never changed, only replaced. */
export interface RoomList {
  readonly known: ReadonlyMap<string, KnownRoom>;
  /** How many rooms came in pages; others came in frames. */
  readonly listed: number;
  /** The token of the next page, empty after the last one. */
  readonly nextToken: string;
  /** The oldest activity in the pages. Rooms with an older one are on later pages. */
  readonly oldestActivity: number;
}

/** A change between two requests for the list. */
export type RoomListChange =
  /** The server reports rooms as they are now, and the names of those that are gone. */
  | {
      readonly kind: "reported";
      readonly rooms: readonly RoomSummary[];
      readonly removed: readonly string[];
      /** How far the rooms were read: those that come back are visited still. */
      readonly visited: ReadonlyMap<string, Cursor>;
    }
  /** This browser has read a room up to a sequence, in any of its tabs. */
  | { readonly kind: "read"; readonly room: string; readonly sequence: bigint }
  /** The user has left a room: it counts as never visited. */
  | { readonly kind: "left"; readonly room: string };

/** Returns the rooms of the first page, and the visited ones, which may be on later pages. */
export function firstPage(page: RoomsPage, visited: ReadonlyMap<string, Cursor>): RoomList {
  const known = new Map<string, KnownRoom>();
  if (page.nextToken !== "") for (const [name, { sequence }] of visited) known.set(name, unlisted(name, sequence));
  return withPage({ known, listed: 0, nextToken: "", oldestActivity: 0 }, page);
}

/** Adds a page. */
export function withPage(list: RoomList, { rooms, nextToken }: RoomsPage): RoomList {
  const known = new Map(list.known);
  for (const room of rooms) known.set(room.name, fromPage(room));
  const isLast = nextToken === "";
  // A visited room that is on no page does not exist any more.
  if (isLast) for (const room of known.values()) if (isUnlisted(room)) known.delete(room.name);
  const oldestActivity = isLast ? 0 : Math.min(...rooms.map((room) => room.lastActivity));
  return { known, listed: list.listed + rooms.length, nextToken, oldestActivity };
}

export function changeList(list: RoomList, change: RoomListChange): RoomList {
  const known = new Map(list.known);
  switch (change.kind) {
    case "reported":
      for (const room of change.rooms) {
        const readTo = change.visited.get(room.name)?.sequence;
        const before = known.get(room.name) ?? (readTo === undefined ? undefined : unlisted(room.name, readTo));
        known.set(room.name, reported(before, room));
      }
      for (const name of change.removed) known.delete(name);
      break;
    case "read":
      known.set(change.room, readUpTo(known.get(change.room) ?? unlisted(change.room, 0n), change.sequence));
      break;
    case "left": {
      const room = known.get(change.room);
      if (room && isUnlisted(room)) known.delete(change.room);
      else if (room) known.set(change.room, { ...room, read: null, readTo: 0n, exact: true });
    }
  }
  return { ...list, known };
}

/** Whether a visited room is missing from the pages that were read. */
export function isIncomplete({ known, nextToken }: RoomList): boolean {
  return nextToken !== "" && [...known.values()].some(isUnlisted);
}

/** Whether a new list would correct an unread count. */
export function isInexact({ known, oldestActivity }: RoomList): boolean {
  return [...known.values()].some(
    (room) => !room.exact && room.head > room.readTo && room.lastActivity >= oldestActivity,
  );
}

/** Returns how many messages of a room are unread, 100 for 100 or more; 0 if it was never visited. */
export function unreadCount({ read, messages }: KnownRoom): number {
  if (read === null || messages <= read) return 0;
  return Math.min(Number(messages - read), manyUnread);
}

/** Returns how many messages were ever stored in a room, or null if that is not known. */
export function messageCount(list: RoomList | null, room: string): MessageCount | null {
  const known = list?.known.get(room);
  return known && !isUnlisted(known) ? { head: known.head, messages: known.messages } : null;
}

/** Returns how many messages are unread in all rooms except one. */
export function unreadElsewhere(list: RoomList | null, room: string): number {
  let sum = 0;
  for (const other of list?.known.values() ?? []) if (other.name !== room) sum += unreadCount(other);
  return sum;
}

function fromPage({ unread, ...room }: ListedRoom): KnownRoom {
  return { ...room, read: unread === null ? null : room.messages - BigInt(unread), readTo: 0n, exact: true };
}

/** A visited room of which only the name is known, and how far it was read. */
function unlisted(name: string, readTo: bigint): KnownRoom {
  return {
    name,
    displayName: "",
    topic: "",
    members: 0,
    head: 0n,
    messages: 0n,
    lastActivity: 0,
    read: 0n,
    readTo,
    exact: false,
  };
}

function isUnlisted({ head, exact }: KnownRoom): boolean {
  return head === 0n && !exact;
}

function reported(before: KnownRoom | undefined, room: RoomSummary): KnownRoom {
  if (before && room.head < before.head) return before; // the frame is older than the list
  if (!before || before.read === null) return { ...room, read: null, readTo: 0n, exact: true };
  const { readTo } = before;
  if (room.head <= readTo) return { ...room, read: room.messages, readTo, exact: room.head === readTo };
  if (before.exact) return { ...before, ...room };
  // Which of the events since then are messages is not known: at most all of them.
  const [read = 0n] = [before.read, room.messages - (room.head - readTo)].sort((a, b) => (a > b ? -1 : 1));
  return { ...room, read, readTo, exact: readTo === 0n };
}

function readUpTo(room: KnownRoom, sequence: bigint): KnownRoom {
  if (room.read !== null && sequence <= room.readTo) return room;
  const isAll = sequence >= room.head || room.read === null;
  return { ...room, read: isAll ? room.messages : room.read, readTo: sequence, exact: sequence === room.head };
}
