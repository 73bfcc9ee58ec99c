// What the reader picked last, kept in the browser.

import { type SkinTone, skinTones } from "./emoji-set";

const maxRecent = 24;
const recentKey = "chatroom.emoji";
const toneKey = "chatroom.skin-tone";

/** What keeps them: localStorage, which may be missing or full. */
export type Keep = Pick<Storage, "getItem" | "setItem">;

/** Returns the emoji that were picked last, the newest first. */
export function recentEmoji(keep: Keep): readonly string[] {
  try {
    const kept: unknown = JSON.parse(keep.getItem(recentKey) ?? "[]");
    return Array.isArray(kept) ? kept.filter((emoji) => typeof emoji === "string").slice(0, maxRecent) : [];
  } catch {
    return []; // another program has written there, or nothing can be read
  }
}

/** Keeps an emoji as the newest. */
export function keepRecentEmoji(keep: Keep, emoji: string): void {
  const recent = [emoji, ...recentEmoji(keep).filter((other) => other !== emoji)].slice(0, maxRecent);
  tryToSet(keep, recentKey, JSON.stringify(recent));
}

/** Returns the skin tone that was chosen, null for none. */
export function chosenTone(keep: Keep): SkinTone | null {
  try {
    const kept = keep.getItem(toneKey);
    return skinTones.find((tone) => tone === kept) ?? null;
  } catch {
    return null;
  }
}

export function keepTone(keep: Keep, tone: SkinTone | null): void {
  tryToSet(keep, toneKey, tone ?? "");
}

function tryToSet(keep: Keep, key: string, value: string): void {
  try {
    keep.setItem(key, value);
  } catch {
    // Storage is full or not allowed: nothing is kept.
  }
}
