// How far the user has read the room.

import type { Cursor } from "../model";

/** Where the unread messages began, the last time that there were some. */
export interface UnreadStart {
  /** The last event that was read. */
  readonly after: Cursor;
  /** Whether the messages were read since. */
  readonly read: boolean;
}

/** The user opens the room, which was read up to a cursor; null if it never was. */
export function unreadAtOpening(read: Cursor | null): UnreadStart | null {
  return read && { after: read, read: false };
}

/** A message came that the user does not see. before: the event before it. */
export function unreadBegins(start: UnreadStart | null, before: Cursor | null): UnreadStart | null {
  if (start && !start.read && start.after.epoch === before?.epoch) return start;
  return before && { after: before, read: false };
}

/** The user has read everything up to a cursor. */
export function unreadEnds(start: UnreadStart | null, cursor: Cursor | null): UnreadStart | null {
  if (!start || start.read) return start;
  const isAny = cursor !== null && (cursor.epoch !== start.after.epoch || cursor.sequence > start.after.sequence);
  return isAny ? { ...start, read: true } : null;
}
