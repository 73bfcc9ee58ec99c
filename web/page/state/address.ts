import { validRoomName } from "../../client";

/**
 * Returns the room that an address names: its fragment, otherwise ?room=, otherwise
 * the lobby. Null if that is not a valid name.
 */
export function roomFromAddress(address: { readonly hash: string; readonly search: string }): string | null {
  let name: string;
  try {
    name = decodeURIComponent(address.hash.slice(1));
  } catch {
    return null;
  }
  return validRoomName(name || new URLSearchParams(address.search).get("room") || "lobby");
}

/** Returns the room that a user names in a form, or null if it is not valid. */
export function roomFromInput(text: string): string | null {
  return validRoomName(text.trim().replace(/^#/, "").replace(/\s+/g, "-"));
}
