import { parseAddress } from "../state/address";

/** A message of this service, or a room for the sequence 0. */
export interface MessageTarget {
  readonly room: string;
  readonly sequence: bigint;
}

/** Returns the message or room of this service that a link leads to; null for any other link. */
export function messageTarget(href: string, base: string): MessageTarget | null {
  const folder = new URL("r/", base).href;
  if (!href.startsWith(folder)) return null;
  const { room, sequence } = parseAddress(href, base);
  return room ? { room, sequence } : null;
}
