// What a room is called, so that no display name passes for the name of another room.

import { foldCase } from "./fold-case";

/** Characters that look like one of ASCII, in lower case, and below each the one that stands for it. */
const lookalikes = "аеосрхуіјѕһԁԛԝкмтнвοανρτκιηυχγβɡı01i";
const looksLike = "aeocpxyljshdqwkmthboavptklnuxybgloll";

const standIn = new Map([...lookalikes].map((character, i) => [character, looksLike[i] ?? ""]));

/** Returns a key that names which look alike have in common: that of lobby is also that of 1obby. */
export function appearance(name: string): string {
  const letters = foldCase(name).replace(/[^\p{L}\p{N}]/gu, "");
  return [...letters].map((character) => standIn.get(character) ?? character).join("") || name;
}

/** The display name without the signs that names begin with in the page; empty for none. */
export function plainDisplayName(displayName: string): string {
  return displayName.replace(/^[#＃﹟\s]+/u, "");
}

/** Returns how a room is called in a sentence. Only the name itself begins with a hash. */
export function roomTitle(name: string, displayName: string): string {
  return plainDisplayName(displayName) || `#${name}`;
}

/** Whether a display name only writes the name of the room in another way: "🎨 Design" for design. */
export function spellsName(name: string, displayName: string): boolean {
  const spelled = foldCase(displayName)
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
  return spelled === name || plainDisplayName(displayName) === "";
}
