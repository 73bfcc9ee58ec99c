// Numbers and names as the page shows them.

import { manyUnread, type NameMark, type Presence } from "../../client";

/** A number of rooms, where there may be more. */
export function roomCount(n: number, more: boolean): string {
  return `${n.toLocaleString()}${more ? "+" : ""}`;
}

/** A number of unread messages; empty for none. */
export function unreadBadge(unread: number): string {
  if (unread === 0) return "";
  return unread >= manyUnread ? `${manyUnread}+` : `${unread}`;
}

/** The number of members in the room; empty before the first stream, which brings it. */
export function memberCount({ count, self }: Presence): string {
  return self ? count.toLocaleString() : "";
}

export function personCount(count: number): string {
  return count === 1 ? "1 person" : `${count.toLocaleString()} people`;
}

/** What is said of a name that may mislead, in short and in a sentence. */
export function nameMarkLabel(mark: NameMark): { readonly text: string; readonly reason: string } {
  switch (mark) {
    case "resembles":
      return { text: "similar name", reason: "This name looks like that of another member who was here first." };
    case "mixedScripts":
      return {
        text: "mixed letters",
        reason: "This name mixes letters of different scripts, some of which look alike.",
      };
    case "reserved":
      return { text: "not staff", reason: "This is a guest who has chosen a name that looks like one of the service." };
  }
}

/** Names in a sentence, and how many more there are. */
export function nameList(names: readonly string[], more: number): string {
  if (names.length === 0) return more === 1 ? "1 person" : `${more} people`;
  const others = more === 1 ? "1 other" : `${more} others`;
  const all = more > 0 ? [...names, others] : names;
  return all.length === 1 ? all.join() : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}
