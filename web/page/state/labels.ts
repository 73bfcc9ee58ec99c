// Numbers and names as the page shows them.

import { manyUnread, type NameMark, type Presence } from "../../client";
import { locale, t } from "../i18n";

/** A number with the separators of the language. */
export function formatNumber(n: number): string {
  return n < 1_000 ? `${n}` : n.toLocaleString(locale()); // the browser's formats are slow when they are used first
}

/** A number of rooms, where there may be more. */
export function roomCount(n: number, more: boolean): string {
  return `${formatNumber(n)}${more ? "+" : ""}`;
}

/** A number of unread messages; empty for none. */
export function unreadBadge(unread: number): string {
  if (unread === 0) return "";
  return unread >= manyUnread ? `${manyUnread}+` : `${unread}`;
}

/** The number of members in the room; empty before the first stream, which brings it. */
export function memberCount({ count, self }: Presence): string {
  return self ? formatNumber(count) : "";
}

function personCount(count: number): string {
  return t("people.count", { count });
}

/** What is said of a name that may mislead, in short and in a sentence. */
export function nameMarkLabel(mark: NameMark): { readonly text: string; readonly reason: string } {
  switch (mark) {
    case "resembles":
      return { text: t("people.resembles"), reason: t("people.resemblesReason") };
    case "mixedScripts":
      return { text: t("people.mixedScripts"), reason: t("people.mixedScriptsReason") };
    case "reserved":
      return { text: t("people.reserved"), reason: t("people.reservedReason") };
  }
}

/** Names in a sentence, and how many more there are. */
export function nameList(names: readonly string[], more: number): string {
  if (names.length === 0) return personCount(more);
  const all = more > 0 ? [...names, t("people.others", { count: more })] : names;
  const [last = ""] = all.slice(-1);
  return all.length === 1 ? last : t("people.and", { first: all.slice(0, -1).join(t("people.comma")), last });
}
