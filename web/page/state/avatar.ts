/** How many colours there are for members. The style sheet has one rule for each. */
export const hueCount = 12;

/** Returns the number of a member's colour, from 0: the same everywhere and always. */
export function memberHue(id: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % hueCount;
}

/** Returns the first letter of a name, as an avatar shows it. */
export function avatarLetter(name: string): string {
  for (const { segment } of new Intl.Segmenter().segment(name)) return segment.toLocaleUpperCase();
  return "?";
}
