import { validRoomName } from "../../client";

/** What the address of the page names. */
export interface Address {
  /** Null if the address has a name that is not valid. */
  readonly room: string | null;
  /** The message; 0 for none, and noMessage for what names no message. */
  readonly sequence: bigint;
  /** Whether it is written as roomPath does, or is the page's own. Addresses of earlier builds are not. */
  readonly current: boolean;
}

const defaultRoom = "lobby";
/** The largest sequence. No message has it. */
const noMessage = 2n ** 64n - 1n;

/**
 * Returns what an address names: r/ROOM or r/ROOM/SEQUENCE below the base, which is the page's own
 * address. Earlier builds had ?room=ROOM, and #ROOM without a query.
 */
export function parseAddress(url: string, base: string): Address {
  const { pathname, search, hash } = new URL(url);
  const path = pathname.slice(new URL(".", base).pathname.length);
  const [folder, room, sequence = "", ...rest] = path.split("/");
  if (folder === "r" && room !== undefined && rest.length === 0) {
    return { room: validRoomName(room), sequence: parseSequence(sequence), current: true };
  }
  const name = new URLSearchParams(search).get("room") ?? decode(hash.slice(1));
  if (name === "") return { room: defaultRoom, sequence: 0n, current: hash === "" };
  const valid = name === null ? null : validRoomName(name);
  return { room: valid, sequence: 0n, current: valid === null || roomPath(valid) === search };
}

/** Returns the path of a room, or of a message in it, relative to the base. */
export function roomPath(room: string, sequence = 0n): string {
  if (/^\.{1,2}$/.test(room)) return `?room=${room}`; // URLs cannot have such a name as a part of their path
  return sequence > 0n ? `r/${room}/${sequence}` : `r/${room}`;
}

/** Returns the link to a room, or to a message in it, to be shared. */
export function roomLink(base: string, room: string, sequence = 0n): string {
  return new URL(roomPath(room, sequence), base).href;
}

function parseSequence(text: string): bigint {
  if (text === "") return 0n;
  const sequence = /^\d+$/.test(text) ? BigInt(text) : 0n;
  return sequence > 0n && sequence < noMessage ? sequence : noMessage;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
