// For tests: tabs in virtual time, with messages, locks and a storage that take their time.

import { initialAuth } from "../hub/auth";
import { disconnected } from "../hub/connection";
import type { News } from "../hub/effect";
import { newEntry, type OutboxEntry } from "../hub/outbox-entry";
import type { Event } from "../model";
import { HubRunner } from "../runtime/hub-runner";
import type { Shared, TabBrowser, TabChannel, TabMessage } from "../runtime/tab-message";
import { Tabs } from "../runtime/tabs";
import type { StreamListener } from "../transport/chat-service";
import { ada, event, joined, message } from "./session-harness";

/** How long the server remembers an id, in milliseconds. */
const dedupWindow = 10 * 60_000;

export type LockMode = "locks" | "no locks" | "locks refused";

export interface Task {
  at: number;
  readonly tab: SimTab | null;
  readonly run: () => void;
}

/** A lock that a tab holds or waits for. */
interface LockRequest {
  readonly tab: SimTab;
  readonly granted: () => void;
  readonly lost: () => void;
}

export class SimTab {
  tabs!: Tabs;
  shared: Shared | null = null;
  state: "live" | "frozen" | "gone" = "live";
  /** What happens when it is thawed. */
  held: Task[] = [];
  readonly streams = new Set<StreamListener>();
  /** When its last write is carried out. */
  writtenAt = 0;
  constructor(readonly id: string) {}
}

export class World {
  now = 1_000_000;
  tasks: Task[] = [];
  tabs: SimTab[] = [];
  current: SimTab | null = null;
  readonly rows = new Map<string, OutboxEntry>();
  /** The ids that were stored, and perhaps removed since. */
  readonly everStored = new Set<string>();
  readonly log: Event[] = [];
  readonly acknowledged = new Map<string, number>();
  readonly faults: string[] = [];
  hasMark = false;
  isQuiet = false;
  readonly #channels = new Map<SimTab, TabChannel & { lastAt: number }>();
  #holder: LockRequest | null = null;
  #waiting: LockRequest[] = [];
  #count = 0;

  constructor(
    readonly random: () => number,
    readonly mode: LockMode,
  ) {}

  get live(): SimTab[] {
    return this.tabs.filter(({ state }) => state !== "gone");
  }

  pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)] as T;
  }

  /** Mostly short, rarely long. */
  delay(short: number, long: number): number {
    return this.random() * (this.random() < 0.05 ? long : short);
  }

  later(after: number, run: () => void, tab = this.current): Task {
    const task = { at: this.now + Math.max(0, after), tab, run };
    this.tasks.push(task);
    return task;
  }

  /** Runs a task of a tab, as an event loop does. */
  async in(tab: SimTab | null, run: () => void): Promise<void> {
    this.current = tab;
    run();
    for (let i = 0; i < 12; i++) await null; // what was promised happens in the same task
    this.current = null;
  }

  async pass(ms: number): Promise<void> {
    const end = this.now + ms;
    for (;;) {
      let next: Task | undefined;
      for (const task of this.tasks) if (!next || task.at < next.at) next = task;
      if (!next || next.at > end) break;
      this.tasks.splice(this.tasks.indexOf(next), 1);
      this.now = Math.max(this.now, next.at);
      if (next.tab?.state === "frozen") next.tab.held.push(next);
      else if (next.tab?.state !== "gone") await this.in(next.tab, next.run);
    }
    this.now = end;
  }

  async open(): Promise<void> {
    const tab = new SimTab(`tab-${Math.floor(this.random() * 1e6)}-${++this.#count}`);
    this.tabs.push(tab);
    await this.in(tab, () => {
      tab.tabs = new Tabs(
        {
          id: tab.id,
          name: "test",
          browser: this.#browser(tab),
          startHub: (listener) => new HubRunner(this.#hubOptions(tab), listener),
          initial: { auth: initialAuth(ada), connection: disconnected, entries: [] },
          wants: () => [{ room: "lobby", cursor: null }],
        },
        {
          news: (news) => this.#takeNews(tab, news),
          changed: (shared) => {
            tab.shared = shared;
          },
        },
      );
      tab.tabs.start();
    });
  }

  async close(tab: SimTab): Promise<void> {
    await this.in(tab, () => tab.tabs.close());
    this.crash(tab);
  }

  crash(tab: SimTab): void {
    tab.state = "gone";
    tab.streams.clear();
    this.#channels.delete(tab);
    this.#waiting = this.#waiting.filter((request) => request.tab !== tab);
    if (this.#holder?.tab === tab) this.#grantNext();
  }

  thaw(tab: SimTab): void {
    if (tab.state !== "frozen") return;
    tab.state = "live";
    // Timers may be run before messages, or after them.
    for (const task of tab.held) this.tasks.push({ ...task, at: this.now });
    tab.held = [];
  }

  async send(tab: SimTab): Promise<void> {
    const id = `entry-${++this.#count}`;
    const entry = newEntry(id, "lobby", message(id), this.now, { sender: ada.member.id });
    await this.in(tab, () => {
      this.#write(tab, () => {
        this.rows.set(id, entry);
        this.everStored.add(id);
      });
      tab.tabs.request({ type: "send", entry });
    });
  }

  /** Writes of a tab are carried out in order. */
  #write(tab: SimTab, act: () => void): void {
    const opening = tab.writtenAt === 0 ? this.delay(20, 1_000) : 0;
    tab.writtenAt = Math.max(this.now + opening, tab.writtenAt) + this.delay(5, 100);
    // What a tab has written before it ends is carried out, unless it crashes: then it may be.
    this.later(tab.writtenAt - this.now, () => (tab.state === "gone" && this.random() < 0.3 ? null : act()), null);
  }

  #takeNews(tab: SimTab, news: News): void {
    if (news.type === "stored" && !tab.tabs.leads) this.#write(tab, () => this.rows.delete(news.entry.id));
  }

  #hubOptions(tab: SimTab) {
    const storage = {
      loadIdentity: () => ada,
      storeIdentity: () => {},
      forgetIdentity: () => {},
      loadOutbox: () =>
        new Promise<readonly OutboxEntry[]>((resolve) => {
          const wait = Math.max(0, tab.writtenAt - this.now) + this.delay(10, 300);
          this.later(wait, () => resolve([...this.rows.values()]), tab);
        }),
      storeEntry: (entry: OutboxEntry) =>
        this.#write(tab, () => {
          this.rows.set(entry.id, entry);
          this.everStored.add(entry.id);
        }),
      removeEntries: (ids: readonly string[]) =>
        this.#write(tab, () => {
          for (const id of ids) this.rows.delete(id);
        }),
    };
    const service = {
      openStream: (_: unknown, listener: StreamListener) => this.#openStream(tab, listener),
      send: (_token: string, _room: string, id: string) => this.#send(tab, id),
      signIn: async () => ada,
      signOut: async () => {},
      renewStream: async () => {},
      probe: () => new Promise<void>((resolve) => void this.later(this.delay(50, 500), resolve, tab)),
    };
    return { service, storage, getToken: undefined, guestName: "", watchRooms: false };
  }

  #openStream(tab: SimTab, listener: StreamListener): () => void {
    tab.streams.add(listener);
    const ifOpen = (act: () => void) => () => (tab.streams.has(listener) ? act() : undefined);
    this.later(
      this.delay(50, 1_000),
      ifOpen(() => {
        const replay = this.log.slice(-50);
        listener.frame(joined(this.log.length));
        for (const e of replay) listener.frame({ kind: "event", event: e });
        listener.frame({ kind: "caughtUp", room: "lobby" });
      }),
      tab,
    );
    const beat = () => {
      listener.frame({ kind: "heartbeat", time: 0 });
      this.later(15_000, ifOpen(beat), tab);
    };
    this.later(15_000, ifOpen(beat), tab);
    return () => void tab.streams.delete(listener);
  }

  /** The call reaches the server, or does not, and so does its answer. */
  #send(tab: SimTab, id: string) {
    return new Promise<{ epoch: string; sequence: bigint; time: number }>((resolve, reject) => {
      const fail = () => reject(new TypeError("fetch failed"));
      const isLost = () => !this.isQuiet && this.random() < 0.1;
      const arrive = () => {
        if (isLost()) return void this.later(0, fail, tab);
        const before = this.acknowledged.get(id);
        if (before === undefined || this.now - before > dedupWindow) {
          if (before !== undefined)
            this.faults.push(`${id} was sent again ${this.now - before} ms after it was stored`);
          this.log.push(event(this.log.length + 1, { id, sender: ada.member, body: message(id) }));
          this.acknowledged.set(id, this.now);
        }
        const sequence = BigInt(this.log.findIndex((e) => e.id === id) + 1);
        const answer = isLost() ? fail : () => resolve({ epoch: "e1", sequence, time: 1 });
        this.later(this.delay(20, 1_000), answer, tab);
      };
      this.later(this.delay(20, 1_000), arrive, null);
    });
  }

  #browser(tab: SimTab): TabBrowser {
    return {
      channel: () => this.#channel(tab),
      locks:
        this.mode === "no locks"
          ? undefined
          : { request: (_: string, options: LockOptions, hold: () => unknown) => this.#lock(tab, options, hold) },
      visible: () => true,
      hasLeader: {
        get: () => this.hasMark,
        set: (hasMark: boolean) => {
          this.hasMark = hasMark;
        },
      },
    } as unknown as TabBrowser;
  }

  #channel(tab: SimTab): TabChannel {
    const channel = {
      lastAt: 0,
      onmessage: null as ((e: { data: TabMessage }) => void) | null,
      postMessage: (data: TabMessage) => {
        const delay = this.delay(3, 200);
        for (const [to, other] of this.#channels) {
          if (to === tab) continue;
          // Messages of all tabs arrive in some order, each tab's in its own.
          const after = Math.max(this.now + delay, channel.lastAt);
          channel.lastAt = after;
          const copy = structuredClone(data);
          const deliver = () =>
            this.#channels.has(to) && other.onmessage?.call(other as never, { data: copy } as never);
          this.later(after - this.now, deliver, to);
        }
      },
      close: () => void this.#channels.delete(tab),
    } as unknown as TabChannel & { lastAt: number };
    this.#channels.set(tab, channel);
    return channel;
  }

  #lock(tab: SimTab, options: LockOptions, hold: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fail = (name: string) => () => reject(new DOMException("no lock", name));
      if (this.mode === "locks refused") {
        this.later(20, fail("SecurityError"), tab);
        return;
      }
      const request: LockRequest = {
        tab,
        granted: () => {
          if (options.signal?.aborted) return this.#release(request);
          void Promise.resolve(hold()).then((value) => {
            this.#release(request);
            resolve(value);
          });
        },
        lost: fail("AbortError"),
      };
      options.signal?.addEventListener("abort", () => {
        this.#waiting = this.#waiting.filter((other) => other !== request);
        if (this.#holder !== request) request.lost();
      });
      this.later(this.delay(5, 100), () => this.#requested(request, options), null);
    });
  }

  #requested(request: LockRequest, { steal, signal }: LockOptions): void {
    if (request.tab.state === "gone" || signal?.aborted) return;
    this.#waiting[steal ? "unshift" : "push"](request);
    if (this.#holder && !steal) return;
    if (this.#holder) this.later(this.delay(5, 100), this.#holder.lost, this.#holder.tab);
    this.#grantNext();
  }

  #release(request: LockRequest): void {
    if (this.#holder === request) this.#grantNext();
  }

  #grantNext(): void {
    this.#holder = this.#waiting.shift() ?? null;
    if (this.#holder) this.later(this.delay(5, 100), this.#holder.granted, this.#holder.tab);
  }
}
