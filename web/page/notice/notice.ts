// What deserves the reader's attention while the reader is elsewhere.

/** What the reader wants to be told of in a room. */
export type NoticeLevel = "all" | "mentions" | "nothing";

/** A new message of another member. */
export interface Arrival {
  readonly room: string;
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

/** Whether the reader is told of a message. */
export function isNotified(arrival: Arrival, level: NoticeLevel, attention: Attention): boolean {
  if (attention.looking && attention.room === arrival.room) return false;
  return level === "all" || (level === "mentions" && arrival.mentionsReader);
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
