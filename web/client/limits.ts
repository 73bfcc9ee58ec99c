// The contract's bounds, checked before anything is sent. The server checks
// them again, and its answer counts.

/** The longest text of a message, in characters (code points). */
export const maxText = 4_000;
/** The longest name of a member, in characters. */
export const maxName = 40;

/** How many characters (code points) a text has. */
export function length(text: string): number {
  let n = 0;
  for (const _ of text) n++;
  return n;
}

/**
 * What a text is sent as: without white space at its end and empty lines at its
 * start, and with halves of characters, which UTF-8 can't hold, replaced.
 */
export function tidy(text: string): string {
  return text
    .replace(/^\p{White_Space}*\n/u, "")
    .replace(/\p{White_Space}+$/u, "")
    .replace(/\p{Surrogate}/gu, "\ufffd");
}

/** Whether a text is one that the contract takes as a message. */
export function sayable(text: string): boolean {
  return /\P{White_Space}/u.test(text) && length(text) <= maxText;
}

/** Whether a name may be asked for. Which characters it may have, the server says. */
export function nameable(name: string): boolean {
  const n = length(name.trim());
  return n >= 1 && n <= maxName;
}

/**
 * The room that an address names: its #fragment, else ?room=, else the lobby.
 * Null when that is not a room's name.
 */
export function roomOf(address: { hash: string; search: string }): string | null {
  let name: string;
  try {
    name = decodeURIComponent(address.hash.slice(1));
  } catch {
    return null;
  }
  return checked(name || new URLSearchParams(address.search).get("room") || "lobby");
}

/** The room that somebody means with a name, null when there can't be one. */
export function roomNamed(text: string): string | null {
  return checked(text.trim().replace(/^#/, "").replace(/\s+/g, "-"));
}

function checked(name: string): string | null {
  const lower = name.toLowerCase();
  return /^[a-z0-9._-]{1,64}$/.test(lower) ? lower : null;
}
