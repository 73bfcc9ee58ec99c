import type { Presence } from "../../client";
import type { Row } from "./message-rows";

/** Returns the names that a text may mention: of those present, and of those whose messages are known. */
export function mentionableNames(rows: readonly Row[], { members, self }: Presence): readonly string[] {
  const names = new Set<string>();
  for (const { name } of members ?? []) names.add(name);
  for (const row of rows) if (row.kind === "message" && row.sender.id !== "") names.add(row.sender.name);
  if (self) names.add(self.name);
  names.delete("");
  return [...names].sort();
}
