// The rooms that tabs want, and how far the stream has delivered each of them.

import type { Failure } from "../failure";
import type { Cursor, Event, JoinedRoom, Subscription } from "../model";
import type { Want } from "./input";

/** How many of the newest events a room without a cursor starts with. */
export const recentEvents = 50;
/** How many rooms one stream can have. */
export const maxRooms = 100;

/** One room of the stream. */
export interface Line {
  /** The tabs that want the room. */
  readonly tabs: readonly string[];
  /** The last event that was delivered, or where the stream starts; null for the newest events. */
  readonly cursor: Cursor | null;
  /** The state of the room, kept current; null while the stream does not have the room. */
  readonly state: JoinedRoom | null;
  readonly caughtUp: boolean;
  /** The sequence after which events were missing and requested again. */
  readonly gapAfter: bigint | null;
  /** Why the server refuses the room; null if it does not. */
  readonly refusal: Failure | null;
}

/** By room, the most recently wanted one last. */
export type Lines = ReadonlyMap<string, Line>;

export function withLine(lines: Lines, room: string, line: Line): Lines {
  return new Map(lines).set(room, line);
}

/** A tab wants exactly these rooms. */
export function want(lines: Lines, tab: string, wants: readonly Want[]): Lines {
  const next = new Map(lines);
  for (const [room, line] of lines) {
    const isWanted = wants.some((w) => w.room === room);
    if (!isWanted && line.tabs.includes(tab)) next.set(room, { ...line, tabs: line.tabs.filter((t) => t !== tab) });
  }
  for (const { room, cursor } of wants) {
    const line = next.get(room);
    if (!line) {
      next.set(room, { tabs: [tab], cursor, state: null, caughtUp: false, gapAfter: null, refusal: null });
    } else if (!line.tabs.includes(tab)) {
      // Without a stream, the position of the new tab is as good as that of a line that nobody wants any more.
      const isFree = line.tabs.length === 0 && line.state === null;
      next.set(room, { ...line, tabs: [...line.tabs, tab], cursor: isFree ? cursor : line.cursor });
    }
  }
  return next;
}

/** Drops the rooms that no tab wants. */
export function dropUnwanted(lines: Lines): Lines {
  const next = new Map([...lines].filter(([, line]) => line.tabs.length > 0));
  return next.size < lines.size ? next : lines;
}

/** Whether the stream should have other rooms than it has. */
export function isDifferent(lines: Lines): boolean {
  return isMissing(lines) || [...lines.values()].some((line) => line.tabs.length === 0);
}

/** Whether the stream lacks a room. */
export function isMissing(lines: Lines): boolean {
  return subscribed(lines).some(([, line]) => line.state === null);
}

/** The rooms that the stream has, or should have: the most recently wanted ones that are not refused. */
function subscribed(lines: Lines): [string, Line][] {
  return [...lines].filter(([, line]) => line.tabs.length > 0 && !line.refusal).slice(-maxRooms);
}

/** What a stream has to deliver. */
export function subscriptions(lines: Lines): Subscription[] {
  return subscribed(lines).map(([room, { cursor }]) => ({
    room,
    start: cursor ? { after: cursor } : { recent: recentEvents },
  }));
}

/** There is no stream. */
export function streamLost(lines: Lines): Lines {
  if (![...lines.values()].some((line) => line.state)) return lines;
  return new Map([...lines].map(([room, line]) => [room, { ...line, state: null, caughtUp: false }]));
}

/** Allows rooms that were refused to be tried again. */
export function forgetRefusals(lines: Lines): Lines {
  return new Map([...lines].map(([room, line]) => [room, { ...line, refusal: null }]));
}

export function joined(line: Line, state: JoinedRoom): Line {
  return { ...line, state, caughtUp: false };
}

/** The replay is complete. A room without an event is known up to its head. */
export function caughtUp(line: Line): Line {
  const { state, cursor } = line;
  return { ...line, caughtUp: true, cursor: cursor ?? (state && { epoch: state.epoch, sequence: state.head }) };
}

/** Whether all rooms of the stream are caught up. */
export function isCaughtUp(lines: Lines): boolean {
  return subscribed(lines).every(([, line]) => line.caughtUp);
}

/** What becomes of an event in the log: it is known already, reveals that others are missing, or is delivered. */
export function received(line: Line, { sequence, previous }: Event): "known" | "missing" | "next" {
  const { cursor, gapAfter } = line;
  if (cursor && sequence <= cursor.sequence) return "known";
  return cursor && previous > cursor.sequence && gapAfter !== cursor.sequence ? "missing" : "next";
}

/** An event in the log is delivered. */
export function delivered(line: Line, { sequence }: Event): Line {
  return line.state ? { ...line, cursor: { epoch: line.state.epoch, sequence } } : line;
}

/** Keeps the state of the room current for tabs that want it later. */
export function observed(line: Line, { body }: Event): Line {
  const { state } = line;
  if (!state) return line;
  if ("members" in body) return { ...line, state: { ...state, members: body.members } };
  if (body.kind !== "roomChanged") return line;
  return { ...line, state: { ...state, displayName: body.displayName, topic: body.topic } };
}
