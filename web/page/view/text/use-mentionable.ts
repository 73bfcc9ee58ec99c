import { useRef } from "preact/hooks";
import type { Presence } from "../../../client";
import { mentionableNames } from "../../state/mentionable-names";
import type { Row } from "../../state/message-rows";
import type { Mentionable } from "../../text";

/** Returns who can be mentioned: the same object until a name comes or goes, so that no text is read again. */
export function useMentionable(rows: readonly Row[], presence: Presence, self: string): Omit<Mentionable, "everyone"> {
  const kept = useRef<Omit<Mentionable, "everyone"> & { readonly key: string }>({ key: "", names: [], self: "" });
  const names = mentionableNames(rows, presence);
  const own = presence.self?.name ?? self;
  const key = [own, ...names].join("\n");
  if (kept.current.key !== key) kept.current = { key, names, self: own };
  return kept.current;
}
