// The place in each room's history that the user has scrolled back to: it is kept for as
// long as the tab, also across reloads.

import { storageKey } from "./storage-key";

/** A message, and how far its top is below that of the view, in pixels. */
export interface Place {
  readonly sequence: bigint;
  readonly top: number;
}

/** The part of sessionStorage that places need. */
type PlaceStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

const prefix = `${storageKey("chatroom.place")} `;

/** Keeps a place; null for the end of a room, where new messages are followed. */
export function keepPlace(storage: PlaceStorage, room: string, place: Place | null): void {
  if (place) storage.setItem(prefix + room, `${place.sequence} ${Math.round(place.top)}`);
  else storage.removeItem(prefix + room);
}

export function keptPlace(storage: PlaceStorage, room: string): Place | null {
  const [sequence, top] = /^([1-9]\d{0,19}) (-?\d{1,6})$/.exec(storage.getItem(prefix + room) ?? "")?.slice(1) ?? [];
  return sequence && top ? { sequence: BigInt(sequence), top: Number(top) } : null;
}
