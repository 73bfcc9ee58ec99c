// Numbers and names as the page shows them.

import { manyUnread } from "../../client";

/** A number of rooms, where there may be more. */
export function roomCount(n: number, more: boolean): string {
  return `${n.toLocaleString()}${more ? "+" : ""}`;
}

/** A number of unread messages; empty for none. */
export function unreadBadge(unread: number): string {
  if (unread === 0) return "";
  return unread >= manyUnread ? `${manyUnread}+` : `${unread}`;
}

export function personCount(count: number): string {
  return count === 1 ? "1 person" : `${count.toLocaleString()} people`;
}

/** Names in a sentence, and how many more there are. */
export function nameList(names: readonly string[], more: number): string {
  if (names.length === 0) return more === 1 ? "1 person" : `${more} people`;
  const others = more === 1 ? "1 other" : `${more} others`;
  const all = more > 0 ? [...names, others] : names;
  return all.length === 1 ? all.join() : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
}
