// What deserves the reader's attention while the reader is elsewhere.

import type { NotifyLevel } from "../state/room-settings";

/** Of which messages the reader is told, in rooms that have no level of their own. */
export type NoticeSetting = "off" | "mentions" | "all";

/** A new message of another member. */
export interface Arrival {
  readonly room: string;
  /** The room's name as it is shown. */
  readonly title: string;
  readonly sequence: bigint;
  readonly sender: string;
  /** The message without its markup. */
  readonly text: string;
  readonly mentionsReader: boolean;
}

/** Where the reader is. */
export interface Attention {
  /** The room on screen, null for none. */
  readonly room: string | null;
  /** Whether the page has the focus, and shows the newest message of the room. */
  readonly looking: boolean;
}

/** Whether the reader is told of a message. A room's level can only lower the setting. */
export function isNotified(
  arrival: Arrival,
  setting: NoticeSetting,
  level: NotifyLevel,
  attention: Attention,
): boolean {
  if (setting === "off" || level === "nothing") return false;
  if (attention.looking && attention.room === arrival.room) return false;
  return arrival.mentionsReader || (setting === "all" && level === "all");
}

/** The unread messages that mention the reader, by room. The value is never changed, only replaced. */
export type Mentions = ReadonlyMap<string, readonly bigint[]>;

/** How many mentions of a room are kept: as many as a badge shows, and one more. */
const maxMentions = 100;

/** Adds a mention. */
export function withMention(mentions: Mentions, { room, sequence }: Arrival): Mentions {
  const known = mentions.get(room) ?? [];
  if (known.includes(sequence)) return mentions;
  return new Map(mentions).set(room, [...known, sequence].slice(-maxMentions));
}

/** Drops the mentions of a room up to a sequence that was read. */
export function withoutRead(mentions: Mentions, room: string, readTo: bigint): Mentions {
  const known = mentions.get(room);
  if (!known) return mentions;
  const left = known.filter((sequence) => sequence > readTo);
  if (left.length === known.length) return mentions;
  const next = new Map(mentions);
  if (left.length > 0) next.set(room, left);
  else next.delete(room);
  return next;
}

/** How many mentions are unread in all rooms. */
export function mentionCount(mentions: Mentions): number {
  let count = 0;
  for (const sequences of mentions.values()) count += sequences.length;
  return count;
}

/** Returns mentions as localStorage keeps them. */
export function encodeMentions(mentions: Mentions): string {
  return JSON.stringify(Object.fromEntries([...mentions].map(([room, all]) => [room, all.map(String)])));
}

/** Reads mentions that were stored; what is not valid is left out. */
export function decodeMentions(text: string | null): Mentions {
  const mentions = new Map<string, readonly bigint[]>();
  try {
    for (const [room, all] of Object.entries(JSON.parse(text ?? "{}") ?? {})) {
      if (Array.isArray(all))
        mentions.set(
          room,
          all.map((sequence) => BigInt(sequence)),
        );
    }
  } catch {
    return new Map();
  }
  return mentions;
}
