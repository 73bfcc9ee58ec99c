/** Returns a text as it is compared: without case and accents. */
export function foldCase(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase();
}
