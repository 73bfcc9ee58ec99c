// The name of a room, as it becomes part of an address.

/** The longest name of a room, in characters. */
const maxLength = 64;

/** Why a text gives no name of a room. */
export type RoomNameProblem = "empty" | "characters" | "long";

/** Returns the name for a text: in lower case, with a hyphen for each space, and without accents. */
export function roomSlug(text: string): string {
  return text
    .trim()
    .replace(/^#+/, "")
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase()
    .replace(/[\s/]+/g, "-");
}

/** Returns why a name is not one of a room, or null if it is. */
export function roomNameProblem(name: string): RoomNameProblem | null {
  if (name === "") return "empty";
  if (/[^a-z0-9._-]/.test(name)) return "characters";
  return name.length > maxLength ? "long" : null;
}
