// Keeps the list of rooms up to date: requests it when a stream begins, and applies
// the changes that the stream reports from then on. There is no polling.

import { backoff } from "../backoff";
import { type Failure, failureOf } from "../failure";
import type { Cursor, RoomsChangedFrame, RoomsPage } from "../model";
import {
  changeList,
  firstPage,
  isIncomplete,
  isInexact,
  type RoomList,
  type RoomListChange,
  withPage,
} from "./room-list";

/** The size of the first page. */
const firstPageSize = 100;
/** The largest page that the contract allows. */
const maxPageSize = 1_000;
/** How many rooms may be known from frames alone before the list is requested again. */
const maxReported = 1_000;
/** The shortest time between two requests that frames cause, in milliseconds. */
export const listInterval = 10_000;
/** Clients that receive the same frame request the list within this time, in milliseconds. */
export const listJitter = 2_000;

/** Which page of the list to read. */
export interface RoomsQuery {
  /** The token of the page, empty for the first one. */
  readonly page: string;
  readonly size: number;
  /** How far the rooms were read. */
  readonly readCursors: ReadonlyMap<string, Cursor>;
}

/** Rejects with a ChatError. */
export type ListRooms = (token: string, query: RoomsQuery) => Promise<RoomsPage>;

/** The value is never changed, only replaced. */
export interface DirectoryState {
  /** Null until the first page was read. */
  readonly rooms: RoomList | null;
  readonly loading: boolean;
  /** Why the last page could not be read; null if it could. */
  readonly failure: Failure | null;
}

export interface DirectoryOptions {
  readonly list: ListRooms;
  readonly token: () => string;
  readonly readCursors: () => ReadonlyMap<string, Cursor>;
  /** Whether there is a stream. Without one, the next one will cause a refresh. */
  readonly connected: () => boolean;
  /** Called after the state was replaced. */
  readonly onChange: () => void;
  /** Returns a number from 0 up to, but not including, 1. */
  readonly random: () => number;
}

/** Reads one page at a time, and applies changes in order. */
export class RoomDirectory {
  state: DirectoryState = { rooms: null, loading: false, failure: null };
  readonly #options: DirectoryOptions;
  /** The changes since the request in flight, which its answer may not contain. */
  #changesDuringLoad: RoomListChange[] = [];
  /** Changes were missed. */
  #missed = false;
  /** Whether to request the list again after the answer to the request in flight. */
  #refreshAgain = false;
  #failures = 0;
  #listedAt = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  /** Requests the list again: earlier changes may have been missed. */
  async refresh(): Promise<void> {
    this.#refreshAgain = this.state.loading;
    if (this.#refreshAgain) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#missed = false;
    this.#listedAt = Date.now();
    const isListed = await this.#load(() => this.#readFirst());
    this.#failures = isListed ? 0 : this.#failures + 1;
    if (this.#refreshAgain) await this.refresh();
    else if (!isListed && this.#options.connected()) this.#retry();
  }

  /** Reads the next page, or again what failed last. Does nothing while a page is being read. */
  async loadMore(): Promise<void> {
    const { rooms, loading } = this.state;
    if (loading) return;
    if (!rooms || this.#failures > 0) return this.refresh();
    if (rooms.nextToken === "") return;
    await this.#load(async () => withPage(rooms, await this.#read(rooms.nextToken, firstPageSize)));
    if (this.#refreshAgain) await this.refresh();
  }

  /** Applies a frame. */
  apply({ rooms, removed, incomplete }: Omit<RoomsChangedFrame, "kind">): void {
    this.#missed ||= incomplete;
    this.#change({ kind: "reported", rooms, removed, visited: this.#options.readCursors() });
  }

  /** A room was read up to a sequence, in this tab or in another one. */
  markRead(room: string, sequence: bigint): void {
    this.#change({ kind: "read", room, sequence });
  }

  /** The user has left a room, in this tab or in another one. */
  markLeft(room: string): void {
    this.#change({ kind: "left", room });
  }

  #change(change: RoomListChange): void {
    const { rooms, loading } = this.state;
    if (loading) this.#changesDuringLoad.push(change);
    if (rooms) {
      this.state = { ...this.state, rooms: changeList(rooms, change) };
      this.#options.onChange();
    }
    if (!this.#isStale()) return;
    const jitter = this.#options.random() * listJitter;
    this.#startTimer(Math.max(jitter, this.#listedAt + listInterval - Date.now()));
  }

  #retry(): void {
    this.#missed = true;
    this.#startTimer(backoff(this.#failures, this.#options.random));
  }

  #startTimer(after: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      if (this.#isStale()) void this.refresh();
    }, after);
  }

  /** Whether only a new list makes the rooms right again. */
  #isStale(): boolean {
    const { rooms } = this.state;
    return this.#missed || (rooms !== null && (isInexact(rooms) || rooms.known.size > rooms.listed + maxReported));
  }

  /** Replaces the rooms by what is read, with the changes that came during the request. */
  async #load(read: () => Promise<RoomList>): Promise<boolean> {
    this.state = { ...this.state, loading: true };
    this.#options.onChange();
    try {
      const rooms = await read();
      this.state = { rooms: this.#changesDuringLoad.reduce(changeList, rooms), loading: false, failure: null };
    } catch (reason) {
      this.state = { ...this.state, loading: false, failure: failureOf(reason) };
    }
    this.#changesDuringLoad = [];
    this.#options.onChange();
    return this.state.failure === null;
  }

  /**
   * Reads as many rooms as were listed before. Visited rooms may be less active than
   * all of these: then one large page follows, which has most of them.
   */
  async #readFirst(): Promise<RoomList> {
    const size = Math.min(maxPageSize, Math.max(firstPageSize, this.state.rooms?.listed ?? 0));
    const rooms = firstPage(await this.#read("", size), this.#options.readCursors());
    return isIncomplete(rooms) ? withPage(rooms, await this.#read(rooms.nextToken, maxPageSize)) : rooms;
  }

  async #read(page: string, size: number): Promise<RoomsPage> {
    const { list, token, readCursors } = this.#options;
    const query = { page, size, readCursors: readCursors() };
    try {
      return await list(token(), query);
    } catch (reason) {
      if (failureOf(reason).code !== "unauthenticated" || token() === "") throw reason;
      return list("", query); // the session renews the token
    }
  }
}
