// Which of a room's messages the user wants to be told of, as this browser keeps it.

import { localValues } from "../../client";
import { storageKey } from "./storage-key";

/** All messages, those that mention the user, or nothing. */
export type NotifyLevel = "all" | "mentions" | "nothing";

/** The levels by room; a room that is not listed has "all". The value is never changed, only replaced. */
export type RoomSettings = ReadonlyMap<string, NotifyLevel>;

const key = storageKey("chatroom.rooms");

/** Reads settings that were stored; what is not valid is left out. */
export function parseRoomSettings(text: string | null): RoomSettings {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? "{}");
  } catch {
    return new Map();
  }
  if (typeof stored !== "object" || stored === null) return new Map();
  const isLevel = (entry: [string, unknown]): entry is [string, NotifyLevel] =>
    entry[1] === "mentions" || entry[1] === "nothing";
  return new Map(Object.entries(stored).filter(isLevel));
}

/** Returns settings with another level for a room. */
export function withLevel(settings: RoomSettings, room: string, level: NotifyLevel): RoomSettings {
  const changed = new Map(settings);
  if (level === "all") changed.delete(room);
  else changed.set(room, level);
  return changed;
}

/** The settings of this browser. They follow those of its other tabs. */
class RoomSettingsStore {
  #settings: RoomSettings | null = null;
  readonly #subscribers = new Set<() => void>();

  getSnapshot(): RoomSettings {
    this.#settings ??= parseRoomSettings(localValues.getItem(key));
    return this.#settings;
  }

  subscribe(onChange: () => void): () => void {
    if (this.#subscribers.size === 0) window.addEventListener("storage", this.#onStorage);
    this.#subscribers.add(onChange);
    return () => {
      this.#subscribers.delete(onChange);
      if (this.#subscribers.size === 0) window.removeEventListener("storage", this.#onStorage);
    };
  }

  setLevel(room: string, level: NotifyLevel): void {
    // Another tab may have stored something since.
    const changed = withLevel(parseRoomSettings(localValues.getItem(key)), room, level);
    localValues.setItem(key, JSON.stringify(Object.fromEntries(changed)));
    this.#replace(changed);
  }

  readonly #onStorage = (event: StorageEvent) => {
    if (event.key === key) this.#replace(parseRoomSettings(event.newValue));
  };

  #replace(settings: RoomSettings): void {
    this.#settings = settings;
    for (const onChange of [...this.#subscribers]) onChange();
  }
}

export const roomSettings = new RoomSettingsStore();
