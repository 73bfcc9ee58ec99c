// Keeps the list of rooms: lists them when a stream begins, and applies what the
// stream reports from then on. There is no polling.

import { backoff } from "../backoff";
import type { Cursor, Failure, RoomsChanged, RoomsPage } from "../model";
import { changed, extended, isIncomplete, isInexact, listed, type Change, type Rooms } from "./room-list";

/** How many rooms the first page has. */
const firstPage = 100;
/** How many rooms a page has at most, by the contract. */
const largestPage = 1_000;
/** How many rooms may be known from pushes alone before the list is read again. */
const mostPushed = 1_000;
/** The shortest time between two lists that pushes cause, in milliseconds. */
export const rest = 10_000;
/** Clients that are told the same at once list within this time, in milliseconds. */
export const spread = 2_000;

/** Which page of the list to read. */
export interface RoomsQuery {
  /** The token of the page, empty for the first one. */
  readonly page: string;
  readonly size: number;
  /** How far the rooms were read. */
  readonly seen: ReadonlyMap<string, Cursor>;
}

export type ListRooms = (token: string, query: RoomsQuery) => Promise<RoomsPage>;

/** What the page shows of the list. It is never changed, only replaced. */
export interface Listed {
  /** Null until they were listed. */
  readonly rooms: Rooms | null;
  /** Whether a page is being read. */
  readonly asking: boolean;
  /** Why the last page could not be read; empty if it could. */
  readonly problem: string;
}

/** What a directory needs. */
export interface Source {
  readonly list: ListRooms;
  readonly token: () => string;
  readonly seen: () => ReadonlyMap<string, Cursor>;
  /** Whether there is a stream. Without one, the next one will cause a list. */
  readonly connected: () => boolean;
  /** The state was replaced. */
  readonly changed: () => void;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
}

/** Reads the list, one page at a time, and applies changes to it in order. */
export class Directory {
  state: Listed = { rooms: null, asking: false, problem: "" };
  readonly #source: Source;
  /** What changed while a page is being read, which the page may not have. */
  #meanwhile: Change[] = [];
  /** Changes were missed. */
  #missed = false;
  /** Whether to list again after the page that is being read. */
  #again = false;
  #failures = 0;
  #listedAt = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(source: Source) {
    this.#source = source;
  }

  /** Lists the rooms again, because changes before now may have been missed. */
  async refresh(): Promise<void> {
    this.#again = this.state.asking;
    if (this.#again) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#missed = false;
    this.#listedAt = Date.now();
    const listed = await this.#read(() => this.#first());
    this.#failures = listed ? 0 : this.#failures + 1;
    if (this.#again) await this.refresh();
    else if (!listed && this.#source.connected()) this.#retry();
  }

  /** Reads the next page, or what failed last. It does nothing while a page is being read. */
  async more(): Promise<void> {
    const { rooms, asking } = this.state;
    if (asking) return;
    if (!rooms || this.#failures > 0) return this.refresh();
    if (rooms.next === "") return;
    await this.#read(async () => extended(rooms, await this.#list(rooms.next, firstPage)));
    if (this.#again) await this.refresh();
  }

  /** Applies a push. If it is incomplete, other rooms than these have changed, too. */
  push({ rooms, removed, incomplete }: Omit<RoomsChanged, "kind">): void {
    this.#missed ||= incomplete;
    this.#change({ kind: "pushed", rooms, removed });
  }

  /** A room was read up to a sequence, in this tab or in another one. */
  read(room: string, sequence: bigint): void {
    this.#change({ kind: "read", room, sequence });
  }

  #change(change: Change): void {
    const { rooms, asking } = this.state;
    if (asking) this.#meanwhile.push(change);
    if (rooms) {
      this.state = { ...this.state, rooms: changed(rooms, change) };
      this.#source.changed();
    }
    if (!this.#isStale()) return;
    const soon = this.#source.random() * spread;
    this.#timer ??= setTimeout(() => this.#check(), Math.max(soon, this.#listedAt + rest - Date.now()));
  }

  #retry(): void {
    this.#missed = true;
    this.#timer ??= setTimeout(() => this.#check(), backoff(this.#failures, this.#source.random));
  }

  #check(): void {
    this.#timer = null;
    if (this.#isStale()) void this.refresh();
  }

  /** Whether the rooms can be put right only by listing them again. */
  #isStale(): boolean {
    const { rooms } = this.state;
    return this.#missed || (rooms !== null && (isInexact(rooms) || rooms.known.size > rooms.listed + mostPushed));
  }

  /** Replaces the rooms by what is read, with the changes that came meanwhile. */
  async #read(rooms: () => Promise<Rooms>): Promise<boolean> {
    this.state = { ...this.state, asking: true };
    this.#source.changed();
    try {
      const fresh = await rooms();
      this.state = { rooms: this.#meanwhile.reduce(changed, fresh), asking: false, problem: "" };
    } catch (reason) {
      this.state = { ...this.state, asking: false, problem: (reason as Failure).message };
    }
    this.#meanwhile = [];
    this.#source.changed();
    return this.state.problem === "";
  }

  /**
   * Reads as many rooms as were listed before. The rooms visited may be quieter
   * than all of these: then one large page follows, which has most of them.
   */
  async #first(): Promise<Rooms> {
    const size = Math.min(largestPage, Math.max(firstPage, this.state.rooms?.listed ?? 0));
    const rooms = listed(await this.#list("", size), this.#source.seen().keys());
    return isIncomplete(rooms) ? extended(rooms, await this.#list(rooms.next, largestPage)) : rooms;
  }

  async #list(page: string, size: number): Promise<RoomsPage> {
    const { list, token, seen } = this.#source;
    try {
      return await list(token(), { page, size, seen: seen() });
    } catch (reason) {
      if ((reason as Failure).code !== "unauthenticated" || token() === "") throw reason;
      return list("", { page, size, seen: seen() }); // the session renews the token
    }
  }
}
