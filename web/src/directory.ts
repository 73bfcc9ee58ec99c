// The rooms that there are, asked for from time to time.

import type { Cursor, Failure, RoomEntry } from "./model";

/** How often the rooms are listed while somebody looks at the page, in milliseconds. */
export const listEvery = 10_000;
/** From how many on the unread messages of a room are not counted any further. */
const manyUnread = 100;

/** What is known of the rooms. It is never changed, only replaced. */
export interface Listed {
  /** By name; null until they were listed. */
  readonly rooms: readonly RoomEntry[] | null;
  /** Why they could not be listed the last time; empty if they could. */
  readonly problem: string;
}

/** What a directory can use. */
export interface Source {
  readonly list: (token: string, seen: ReadonlyMap<string, Cursor>) => Promise<RoomEntry[]>;
  readonly token: () => string;
  readonly seen: () => ReadonlyMap<string, Cursor>;
  readonly changed: () => void;
}

/** Lists the rooms, one list at a time. */
export class Directory {
  state: Listed = { rooms: null, problem: "" };
  readonly #source: Source;
  #asking = false;
  #again = false;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Asks anew; while an answer is awaited, once more after it. */
  async refresh(): Promise<void> {
    this.#again = this.#asking;
    if (this.#asking) return;
    this.#asking = true;
    try {
      this.state = { rooms: await this.#list(), problem: "" };
    } catch (reason) {
      this.state = { ...this.state, problem: (reason as Failure).message };
    }
    this.#asking = false;
    this.#source.changed();
    if (this.#again) await this.refresh();
  }

  /** What was unread in a room has been read. */
  read(room: string): void {
    const { rooms } = this.state;
    if (rooms?.find((r) => r.name === room)?.unread === 0) return;
    this.state = { ...this.state, rooms: rooms && rooms.map((r) => (r.name === room ? { ...r, unread: 0 } : r)) };
  }

  async #list(): Promise<RoomEntry[]> {
    const { list, token, seen } = this.#source;
    try {
      return await list(token(), seen());
    } catch (reason) {
      if ((reason as Failure).code !== "unauthenticated" || token() === "") throw reason;
      return list("", seen()); // the session sees to the token
    }
  }
}

/**
 * The rooms in two groups: those that were visited, and the others. The one that
 * is shown is among the first, even if it isn't listed, and has nothing unread.
 */
export function grouped({ rooms }: Listed, current: string): { readonly visited: RoomEntry[]; readonly others: RoomEntry[] } {
  const here: RoomEntry = { name: current, displayName: "", topic: "", members: 0, unread: 0, ...rooms?.find((r) => r.name === current) };
  const rest = (rooms ?? []).filter((r) => r.name !== current);
  const visited = [...rest.filter((r) => r.unread !== null), { ...here, unread: 0 }];
  return { visited: visited.sort((a, b) => (a.name < b.name ? -1 : 1)), others: rest.filter((r) => r.unread === null) };
}

/** How many messages are unread in other rooms than this one. */
export function unreadBeside({ rooms }: Listed, current: string): number {
  return (rooms ?? []).reduce((sum, r) => sum + (r.name === current ? 0 : (r.unread ?? 0)), 0);
}

/** A number of unread messages as it is shown; empty for none. */
export function badge(unread: number | null): string {
  if (!unread) return "";
  return unread >= manyUnread ? `${manyUnread}+` : `${unread}`;
}
