import { ChatError, failureOf } from "../failure";
import { type Auth, initialAuth, isGuest } from "../hub/auth";
import { disconnected, isJoined } from "../hub/connection";
import type { News } from "../hub/effect";
import type { Request } from "../hub/input";
import { isFrom } from "../hub/outbox";
import { newEntry, type Unsent, unsentByRoom } from "../hub/outbox-entry";
import { validRoomName } from "../limits";
import type { Cursor, Event, Identity, RoomProfile } from "../model";
import { type DirectoryState, RoomDirectory } from "../rooms/room-directory";
import { messageCount } from "../rooms/room-list";
import { browserStorage, storageScope } from "../storage/browser-storage";
import { type ChatStorage, memoryStorage } from "../storage/chat-storage";
import { createChatService } from "../transport/chat-service";
import { listenToBrowser } from "./browser-hints";
import { CallMonitor } from "./call-monitor";
import { newId } from "./clock";
import { type GetToken, HubRunner } from "./hub-runner";
import { Room, type RoomContext } from "./room";
import { type Status, statusOf } from "./status";
import { derived, type Store, Subscribers } from "./store";
import { currentBrowser, type Shared } from "./tab-message";
import { Tabs } from "./tabs";

export interface ChatOptions {
  /** Where the service is, as https://chat.example.com, or https://example.com/chat behind a proxy. */
  readonly baseUrl: string;
  /** For an application with users of its own. Without it, callers are guests, who sign in with a name. */
  readonly getToken?: GetToken;
  /** The name of the guest, who is signed in at once. Default: none; call signIn. */
  readonly guest?: { readonly name: string };
  /** What is kept between visits. Default: localStorage and IndexedDB in a browser, memory elsewhere. */
  readonly storage?: ChatStorage;
  /** Whether to keep a list of all rooms that the caller may read, in `rooms`. Default: false. */
  readonly watchRooms?: boolean;
}

/** Returns a connection to a service. It opens a stream when a room is joined. */
export function createChat(options: ChatOptions): Chat {
  return new Chat(options);
}

/** A connection to a service, for all its rooms. All tabs of a browser share one stream. */
export class Chat {
  /** What the connection is worth. */
  readonly status: Store<Status>;
  /** Who the caller is. */
  readonly auth: Store<Auth>;
  /** The list of rooms, if it is watched. */
  readonly rooms: Store<DirectoryState>;
  /** The rooms in which something that the caller has sent is not stored yet. */
  readonly unsent: Store<ReadonlyMap<string, Unsent>>;
  readonly #options: ChatOptions;
  readonly #service: ReturnType<typeof createChatService>;
  readonly #storage: ChatStorage;
  readonly #rooms = new Map<string, Room>();
  readonly #wanted = new Set<Room>();
  readonly #subscribers = new Subscribers();
  readonly #directorySubscribers = new Subscribers();
  readonly #directory: RoomDirectory;
  readonly #calls = new CallMonitor((type) => this.#request({ type }));
  readonly #context: RoomContext;
  readonly #stop: (() => void)[] = [];
  /** Ends the calls in flight: a program that has closed the connection is not kept waiting. */
  readonly #ended = new AbortController();
  #shared: Shared;
  #tabs: Tabs | null = null;
  #isRoomListMissed: boolean;

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#service = createChatService(options.baseUrl, this.#ended.signal);
    this.#storage = options.storage ?? defaultStorage(options.baseUrl);
    this.#isRoomListMissed = options.watchRooms ?? false;
    const provided = options.getToken !== undefined;
    const auth = initialAuth(provided ? null : this.#storage.loadIdentity(), provided);
    this.#shared = { auth, connection: disconnected, entries: [] };
    const shared: Store<Shared> = { subscribe: (f) => this.#subscribers.add(f), getSnapshot: () => this.#shared };
    this.status = derived(
      shared,
      (s) => [s.connection, s.auth],
      (s) => statusOf(s.connection, s.auth),
    );
    this.auth = derived(
      shared,
      (s) => [s.auth],
      (s) => s.auth,
    );
    this.unsent = derived(
      shared,
      (s) => [s.entries, s.auth],
      (s) => unsentByRoom(s.entries.filter((entry) => isFrom(s.auth, entry))),
    );
    this.#directory = new RoomDirectory({
      list: (token, query) => this.#calls.watch(this.#service.listRooms(token, query)),
      token: () => this.#token,
      readCursors: () => this.#storage.loadReadCursors(),
      connected: () => isJoined(this.#shared.connection),
      onChange: () => {
        for (const room of this.#rooms.values()) this.#takeCount(room);
        this.#directorySubscribers.notify();
      },
      random: Math.random,
    });
    this.rooms = {
      subscribe: (f) => this.#directorySubscribers.add(f),
      getSnapshot: () => this.#directory.state,
    };
    this.#context = this.#roomContext();
    this.#resume();
    if (typeof document !== "undefined") {
      this.#stop.push(
        listenToBrowser({
          request: (request) => this.#request(request),
          shown: () => this.#tabs?.checkLeader(),
          suspend: () => this.#suspend(),
          resume: () => this.#resume(),
        }),
      );
    }
    this.#stop.push(
      this.#storage.watch((change) => {
        if (change.kind === "read") this.#directory.markRead(change.room, change.cursor.sequence);
        else if (change.kind === "left") this.#directory.markLeft(change.room);
        // The leader has stored it itself, unless a page did that which does not know of leaders.
        else if (!options.getToken && this.#tabs?.leads)
          this.#request({ type: "identityShared", identity: change.identity });
      }),
    );
  }

  /** Returns a room: always the same object for a name. It is joined when something subscribes to it. */
  room(name: string): Room {
    const valid = validRoomName(name);
    if (!valid)
      throw new ChatError({ code: "invalid_argument", message: `${JSON.stringify(name)} is not a room’s name.` });
    let room = this.#rooms.get(valid);
    if (!room) {
      room = new Room(valid, this.#context);
      this.#rooms.set(valid, room);
      room.takeShared(this.#shared);
      this.#takeCount(room);
    }
    return room;
  }

  /** Signs a guest in, or changes the name of one. The result shows in `auth`. */
  signIn(name: string): void {
    this.#request({ type: "signIn", name });
  }

  /** Signs the guest out. What is not sent yet is discarded. */
  signOut(): void {
    this.#request({ type: "signOut" });
  }

  /** Uses an identity that the page got by other means, as from a provider of accounts. */
  adopt(identity: Identity): void {
    this.#storage.storeIdentity(identity);
    this.#request({ type: "identityShared", identity });
  }

  /** Connects now, instead of when the next attempt is due, and tries again what was refused. */
  reconnect(): void {
    this.#request({ type: "reconnect" });
  }

  /** Reads the next page of the list of rooms, or again what failed last. */
  loadMoreRooms(): void {
    void this.#directory.loadMore();
  }

  /** Whether closing the page now loses something that was sent: it is neither in a log nor stored here. */
  hasUnstored(): boolean {
    const unstored = this.#storage.unstoredEntries?.();
    return unstored !== undefined && this.#shared.entries.some((entry) => unstored.has(entry.id));
  }

  /** Returns how far a room was read in this browser, null if it never was. */
  readCursor(room: string): Cursor | null {
    return this.#storage.loadReadCursors().get(room) ?? null;
  }

  /** Returns the newest events of a room, which is not joined for that. It rejects with a ChatError. */
  async newestEvents(room: string, limit: number): Promise<readonly Event[]> {
    return (await this.#calls.watch(this.#service.listEvents(this.#token, room, null, limit))).events;
  }

  /**
   * Creates a room, and sets its display name and topic. It rejects with a ChatError: one with
   * the code already_exists for a room that there is, which stays as it is.
   */
  async createRoom(name: string, profile: RoomProfile): Promise<Room> {
    const room = this.room(name);
    if (await this.#calls.watch(this.#hasLog(room.name)))
      throw new ChatError({ code: "already_exists", message: `There is a room ${room.name} already.` });
    await room.setProfile(profile);
    return room;
  }

  /** Marks a room as read up to its newest event, without joining it. It rejects with a ChatError. */
  async markRead(name: string): Promise<void> {
    const room = this.room(name).name;
    const { epoch, events, next } = await this.#calls.watch(this.#service.listEvents(this.#token, room, null, 1));
    this.#read(room, { epoch, sequence: events.at(-1)?.sequence ?? next.sequence });
  }

  /** Forgets that the user has visited a room: it has no unread count any more. */
  leave(name: string): void {
    const room = this.room(name).name;
    this.#storage.forgetReadCursor(room);
    this.#directory.markLeft(room);
  }

  /** Ends the connection of this tab for good. What is in the outbox is kept. */
  close(): void {
    for (const stop of this.#stop) stop();
    for (const room of this.#rooms.values()) room.close();
    this.#suspend();
    this.#ended.abort();
  }

  get #token(): string {
    return this.#shared.auth.identity?.token ?? "";
  }

  /** Whether a room has an event, a member or a profile. */
  async #hasLog(room: string): Promise<boolean> {
    try {
      await this.#service.listEvents(this.#token, room, null, 1);
      return true;
    } catch (reason) {
      if (failureOf(reason).code === "not_found") return false;
      throw reason;
    }
  }

  #request(request: Request): void {
    this.#tabs?.request(request);
  }

  #resume(): void {
    if (this.#tabs) return;
    const { baseUrl, getToken, guest, watchRooms = false } = this.#options;
    const options = {
      service: this.#service,
      storage: this.#storage,
      getToken,
      guestName: guest?.name ?? "",
      watchRooms,
    };
    this.#tabs = new Tabs(
      {
        id: newId(),
        name: baseUrl,
        browser: currentBrowser(baseUrl),
        startHub: (listener) => new HubRunner(options, listener),
        initial: this.#shared,
        wants: () => [...this.#wanted].map((room) => ({ room: room.name, cursor: room.cursor })),
      },
      { news: (news) => this.#takeNews(news), changed: (shared) => this.#takeShared(shared) },
    );
    this.#tabs.start();
  }

  #suspend(): void {
    this.#tabs?.close();
    this.#tabs = null;
    this.#takeShared({ ...this.#shared, connection: disconnected });
  }

  #takeShared(shared: Shared): void {
    this.#shared = shared;
    for (const room of this.#rooms.values()) room.takeShared(shared);
    // A tab that comes after the stream has missed that it asked for the list.
    if (this.#isRoomListMissed && shared.connection.roomsWatched) this.#refreshRooms();
    this.#subscribers.notify();
  }

  #takeCount(room: Room): void {
    room.takeCount(messageCount(this.#directory.state.rooms, room.name));
  }

  #takeNews(news: News): void {
    switch (news.type) {
      case "listRooms":
        if (this.#options.watchRooms) this.#refreshRooms();
        return;
      case "roomsChanged":
        return this.#directory.apply(news.change);
      case "stored":
        // The leader may have removed it before this tab has stored it.
        if (!this.#tabs?.leads) this.#storage.removeEntries([news.entry.id]);
        // Who writes has read the room.
        if (news.entry.body.kind === "message") this.#read(news.entry.room, news.receipt);
        this.#rooms.get(news.entry.room)?.takeNews(news);
        return;
      default: {
        const name = news.type === "joined" ? news.state.room : news.type === "event" ? news.event.room : news.room;
        const room = this.#rooms.get(name);
        if (room && this.#wanted.has(room)) room.takeNews(news);
      }
    }
  }

  #refreshRooms(): void {
    this.#isRoomListMissed = false;
    void this.#directory.refresh();
  }

  #read(room: string, { epoch, sequence }: Cursor): void {
    this.#storage.storeReadCursor(room, { epoch, sequence });
    this.#directory.markRead(room, sequence);
  }

  #roomContext(): RoomContext {
    return {
      service: this.#service,
      shared: () => this.#shared,
      watch: (call) => this.#calls.watch(call),
      readCursor: (room) => this.#storage.loadReadCursors().get(room) ?? null,
      wanted: (room, isWanted) => {
        if (isWanted) this.#wanted.add(room);
        else this.#wanted.delete(room);
        this.#tabs?.wantsChanged();
      },
      send: ({ id, room, body }) => {
        const { auth } = this.#shared;
        const writer = { sender: auth.identity?.member.id ?? "", byGuest: isGuest(auth) };
        const entry = newEntry(id, room, body, Date.now(), writer);
        this.#storage.storeEntry(entry);
        this.#request({ type: "send", entry });
      },
      retry: (id, body) => this.#request({ type: "retry", id, body }),
      discard: (id) => this.#request({ type: "discard", id }),
      read: (room, cursor) => this.#read(room, cursor),
    };
  }
}

function defaultStorage(baseUrl: string): ChatStorage {
  return typeof document === "undefined" ? memoryStorage() : browserStorage(storageScope(baseUrl, location));
}
