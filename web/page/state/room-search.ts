// Finding a room by some of its letters, as the switcher does.

import { foldCase } from "./fold-case";
import type { RoomItem } from "./room-groups";

/**
 * Returns how well a text matches: null if it lacks one of the letters, in their order. Letters
 * that begin words, or follow each other, count more, and so do short texts.
 */
export function matchScore(text: string, wanted: string): number | null {
  const folded = foldCase(text);
  if (wanted === "") return 0;
  const at = folded.indexOf(wanted);
  if (at >= 0) return 1_000 - at - folded.length / 100 + (isWordStart(folded, at) ? 500 : 0);
  let score = 0;
  let from = 0;
  for (const letter of wanted) {
    const found = folded.indexOf(letter, from);
    if (found < 0) return null;
    score += isWordStart(folded, found) ? 20 : found === from ? 10 : 1;
    from = found + letter.length;
  }
  return score - folded.length / 100;
}

function isWordStart(text: string, at: number): boolean {
  return at === 0 || /[\s._-]/.test(text.charAt(at - 1));
}

/** Returns the rooms that match, the best first, and equal ones in their order: at most limit. */
export function searchRooms(items: readonly RoomItem[], text: string, limit: number): RoomItem[] {
  const wanted = foldCase(text.trim().replace(/^#/, ""));
  return items
    .map((item) => {
      const scores = [item.name, item.displayName].map((name) => matchScore(name, wanted) ?? -1);
      return { item, score: Math.max(...scores) };
    })
    .filter(({ score }) => score >= 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, limit)
    .map(({ item }) => item);
}
