// For tests: a browser with several tabs, one of which leads, over a network that fails at
// random, with a clock that is set by hand.

import type { Effect as HubEffect, News } from "../hub/effect";
import { hubStep } from "../hub/hub";
import { type HubState, initialHub } from "../hub/hub-state";
import type { HubInput } from "../hub/input";
import { newEntry, type OutboxEntry } from "../hub/outbox-entry";
import type { Event, Frame } from "../model";
import type { Input } from "../session/input";
import { step } from "../session/session";
import type { Effect } from "../state/effect";
import { initialState, type SessionState } from "../state/session-state";
import { ada, message } from "./session-harness";
import type { SimulatedServer } from "./simulated-server";

/** A tab, with the rooms that it has ever wanted. */
export interface SimulatedTab {
  readonly id: string;
  readonly sessions: Map<string, SessionState>;
  readonly wanted: Set<string>;
}

interface Stream {
  readonly number: number;
  readonly next: Map<string, { at: bigint; caughtUp: boolean }>;
}

/** Something that happens later. It does not if the leader is another one by then. */
type Task = () => void;

const pageLimit = 7;

export class SimulatedBrowser {
  now = 1_000_000;
  readonly tabs: SimulatedTab[] = [];
  hub: HubState | null = null;
  leader: SimulatedTab | null = null;
  readonly #server: SimulatedServer;
  readonly #random: () => number;
  /** What is stored for all tabs. */
  #stored: OutboxEntry[] = [];
  #stream: Stream | null = null;
  #tasks: Task[] = [];
  readonly #timers = new Map<string, { at: number; fire: () => void }>();
  readonly #skipped = new Set<string>();
  #count = 0;
  #isLucky = false;
  /** What the tabs know of the hub. */
  #shared: { readonly key: string; readonly entries: readonly OutboxEntry[] } | null = null;

  constructor(server: SimulatedServer, random: () => number) {
    this.#server = server;
    this.#random = random;
  }

  openTab(): SimulatedTab {
    const tab = { id: `tab-${++this.#count}`, sessions: new Map(), wanted: new Set<string>() };
    this.tabs.push(tab);
    if (!this.leader) this.#lead(tab);
    return tab;
  }

  /** The tab is closed, or killed: then the leader is not told. */
  closeTab(tab: SimulatedTab): void {
    this.tabs.splice(this.tabs.indexOf(tab), 1);
    for (const name of [...this.#timers.keys()]) if (name.startsWith(tab.id)) this.#timers.delete(name);
    if (tab !== this.leader) {
      if (this.#random() < 0.5) this.#hub({ type: "want", tab: tab.id, rooms: [] });
      return;
    }
    this.leader = null;
    this.hub = null;
    this.#stream = null;
    for (const name of [...this.#timers.keys()]) if (name.startsWith("hub")) this.#timers.delete(name);
    const [next] = this.tabs;
    if (next) this.#lead(next);
  }

  want(tab: SimulatedTab, room: string, isWanted: boolean): void {
    if (isWanted === tab.wanted.has(room)) return;
    if (isWanted) tab.wanted.add(room);
    else tab.wanted.delete(room);
    this.#session(tab, room, isWanted ? { type: "read" } : { type: "left" });
    this.#sendWants(tab);
  }

  send(room: string, id: string): void {
    const entry = newEntry(id, room, message(id), this.now);
    this.#stored.push(entry);
    this.#hub({ type: "send", entry });
  }

  /** The list of rooms tells how many messages were ever stored in a room. */
  count(room: string): void {
    const messages = BigInt(this.#server.log(room).all.length);
    const count = { head: this.#server.head(room), messages };
    for (const tab of this.tabs) if (tab.wanted.has(room)) this.#session(tab, room, { type: "counted", count });
  }

  /** The user reads an older part of the log, or continues from there. */
  page(tab: SimulatedTab, room: string): void {
    if (!tab.wanted.has(room)) return;
    const chance = this.#random();
    const sequence = BigInt(Math.floor(this.#random() * Number(this.#server.head(room) + 2n)));
    if (chance < 0.4) this.#session(tab, room, { type: "goTo", sequence, nearest: chance < 0.2 });
    else if (chance < 0.65) this.#session(tab, room, { type: "loadEarlier" });
    else if (chance < 0.9) this.#session(tab, room, { type: "loadLater" });
    else this.#session(tab, room, { type: "loadNewest" });
  }

  /** Loads newer messages where a timeline lacks them. Returns whether any does. */
  loadLater(): boolean {
    let isAny = false;
    for (const tab of this.tabs) {
      for (const room of tab.wanted) {
        if (!this.session(tab, room).timeline.newer) continue;
        isAny = true;
        this.#session(tab, room, { type: "loadLater" });
      }
    }
    return isAny;
  }

  loadEarlier(): void {
    for (const tab of this.tabs) for (const room of tab.wanted) this.#session(tab, room, { type: "loadEarlier" });
  }

  /** Something happens. With luck, nothing fails. */
  step(luck: boolean): void {
    this.#isLucky = luck;
    this.now += this.#random() * (luck ? 3_000 : 1_000);
    for (const [name, { at, fire }] of [...this.#timers]) {
      if (at > this.now || !this.#timers.delete(name)) continue;
      fire();
    }
    // Answers of different calls come in any order.
    const [task] = this.#tasks.splice(Math.floor(this.#random() * this.#tasks.length), 1);
    if (task) task();
    else if (this.#stream) this.#deliver(this.#stream, luck);
    if (!luck && this.#random() < 0.02) this.#cut();
  }

  get isIdle(): boolean {
    return this.#tasks.length === 0;
  }

  #fails(chance: number): boolean {
    return !this.#isLucky && this.#random() < chance;
  }

  #lead(tab: SimulatedTab): void {
    this.leader = tab;
    this.hub = initialHub(ada, false);
    this.#shared = null;
    const stored = [...this.#stored];
    this.#later(() => this.#hub({ type: "restored", entries: stored }));
    for (const t of this.tabs) this.#sendWants(t);
    this.#share();
  }

  #sendWants(tab: SimulatedTab): void {
    const rooms = [...tab.wanted].map((room) => ({ room, cursor: this.session(tab, room).cursor }));
    this.#hub({ type: "want", tab: tab.id, rooms });
  }

  session(tab: SimulatedTab, room: string): SessionState {
    const known = tab.sessions.get(room);
    if (known) return known;
    const session = initialState(room, initialHub(ada, false).auth);
    tab.sessions.set(room, session);
    this.#shared = null;
    this.#share();
    return tab.sessions.get(room) ?? session;
  }

  /** Does something later, unless there is another leader by then. */
  #later(act: Task): void {
    const { leader } = this;
    this.#tasks.push(() => {
      if (this.leader === leader) act();
    });
  }

  #hub(input: HubInput): void {
    if (!this.hub) return;
    const [hub, effects] = hubStep(this.hub, input, { now: this.now, date: this.now, random: this.#random });
    this.hub = hub;
    for (const effect of effects) this.#perform(effect);
    this.#share();
  }

  #share(): void {
    if (!this.hub) return;
    const { auth, connection, outbox } = this.hub;
    const key = JSON.stringify([connection.phase, connection.stream, connection.unanswered]);
    const isSame = this.#shared?.key === key && this.#shared.entries === outbox.entries;
    this.#shared = { key, entries: outbox.entries };
    if (isSame) return;
    for (const tab of this.tabs) {
      for (const room of tab.sessions.keys()) {
        const entries = outbox.entries.filter((e) => e.room === room);
        this.#session(tab, room, { type: "shared", auth, connection, entries });
      }
    }
  }

  #perform(effect: HubEffect): void {
    switch (effect.type) {
      case "openStream": {
        this.#stream = null;
        const { stream, rooms } = effect;
        return this.#later(() => {
          if (this.hub?.connection.stream !== stream) return;
          if (this.#fails(0.1)) return this.#ended(stream);
          const next = new Map<string, { at: bigint; caughtUp: boolean }>();
          const resets: Frame[] = [];
          const joined = rooms.map(({ room, start }) => {
            const { at, reset } = this.#server.begin(room, start);
            next.set(room, { at, caughtUp: false });
            if (reset) resets.push(reset);
            const { epoch } = this.#server.log(room);
            const head = this.#server.head(room);
            return { room, epoch, head, members: 1, member: ada.member, displayName: "", topic: "", rights: null };
          });
          this.#stream = { number: stream, next };
          const rest = { heartbeat: 15_000, streamId: "", tokenExpires: 0 };
          this.#frame({ kind: "joined", member: ada.member, rooms: joined, ...rest });
          for (const reset of resets) this.#frame(reset);
        });
      }
      case "closeStream":
        if (this.#stream?.number === effect.stream) this.#stream = null;
        return;
      case "send":
        return this.#later(() => this.#store(effect));
      case "probe":
        return this.#later(() => this.#hub({ type: "probeAnswered", serial: effect.serial }));
      case "startTimer": {
        const { timer, after } = effect;
        const fire = () => this.#hub({ type: "timer", timer });
        this.#timers.set(`hub ${timer}`, { at: this.now + after, fire });
        return;
      }
      case "stopTimer":
        this.#timers.delete(`hub ${effect.timer}`);
        return;
      case "storeEntry": {
        const { entry } = effect;
        const at = this.#stored.findIndex((e) => e.id === entry.id);
        this.#stored = at < 0 ? [...this.#stored, entry] : this.#stored.with(at, entry);
        return;
      }
      case "removeEntries":
        this.#stored = this.#stored.filter((e) => !effect.ids.includes(e.id));
        return;
      case "publish":
        return this.#publish(effect.news);
      default: // signing in is tested elsewhere
    }
  }

  #store({ room, id, body, token }: Extract<HubEffect, { type: "send" }>): void {
    const fate = this.#isLucky ? 1 : this.#random();
    const failure = { code: "unavailable" as const, message: "cut" };
    if (fate < 0.1) return this.#hub({ type: "sendFailed", id, token, failure });
    const receipt = this.#server.append(room, id, ada.member, body, this.now);
    // The event may be stored although its answer is lost.
    if (fate < 0.2) return this.#hub({ type: "sendFailed", id, token, failure });
    this.#hub({ type: "sent", id, receipt });
  }

  #publish(news: News): void {
    if (news.type === "roomsChanged" || news.type === "listRooms") return;
    const room =
      news.type === "joined"
        ? news.state.room
        : news.type === "event"
          ? news.event.room
          : news.type === "stored"
            ? news.entry.room
            : news.room;
    for (const tab of this.tabs) {
      if ("to" in news && news.to !== null && news.to !== tab.id) continue;
      if (tab.wanted.has(room) || news.type === "stored") this.#session(tab, room, { type: "news", news });
    }
  }

  #session(tab: SimulatedTab, room: string, input: Input): void {
    const [state, effects] = step(this.session(tab, room), input, { now: this.now, random: this.#random });
    tab.sessions.set(room, state);
    for (const effect of effects) this.#performInTab(tab, room, effect);
  }

  #performInTab(tab: SimulatedTab, room: string, effect: Effect): void {
    const answer = (act: () => Input) =>
      this.#tasks.push(() => {
        if (this.tabs.includes(tab)) this.#session(tab, room, act());
      });
    switch (effect.type) {
      case "catchUp": {
        const { serial, position } = effect;
        const fail = (code: "unavailable" | "out_of_range"): Input => {
          return { type: "catchUpFailed", serial, failure: { code, message: "cut" } };
        };
        answer(() => {
          if (this.#fails(0.1)) return fail("unavailable");
          const page = this.#server.page(room, position, pageLimit);
          return page ? { type: "caughtUpTo", serial, page } : fail("out_of_range");
        });
        return;
      }
      case "listEvents": {
        const { serial, position } = effect;
        answer(() => {
          const page = this.#server.page(room, position, pageLimit);
          if (page) return { type: "pageLoaded", serial, page };
          return { type: "pageFailed", serial, failure: { code: "out_of_range", message: "not retained" } };
        });
        return;
      }
      case "startTimer": {
        const { timer, after } = effect;
        const fire = () => this.#session(tab, room, { type: "timer", timer });
        this.#timers.set(`${tab.id} ${room} ${timer}`, { at: this.now + after, fire });
        return;
      }
      default: // what else a session asks for does not change the timeline
    }
  }

  /** The stream brings something of a room. It may repeat an event, or leave it out once. */
  #deliver(stream: Stream, luck: boolean): void {
    const rooms = [...stream.next];
    const [room, state] = rooms[Math.floor(this.#random() * rooms.length)] ?? [];
    if (!room || !state) return;
    const [e] = this.#server.after(room, state.at);
    if (e) {
      const key = `${this.#server.log(room).epoch} ${e.sequence}`;
      const isSkipped = !luck && this.#random() < 0.05 && !this.#skipped.has(key);
      if (isSkipped) this.#skipped.add(key);
      if (luck || this.#random() > 0.1) state.at = e.sequence;
      if (!isSkipped) this.#frame({ kind: "event", event: e });
    } else if (!state.caughtUp) {
      state.caughtUp = true;
      this.#frame({ kind: "caughtUp", room });
    } else {
      this.#frame({ kind: "heartbeat", time: this.now });
    }
  }

  #frame(frame: Frame): void {
    if (this.#stream) this.#hub({ type: "frame", stream: this.#stream.number, frame });
  }

  #cut(): void {
    if (this.#stream) this.#ended(this.#stream.number);
  }

  #ended(stream: number): void {
    this.#stream = null;
    this.#hub({ type: "ended", stream, end: { code: "unavailable", message: "cut" } });
  }

  /** The log of a room was replaced: the server ends the streams that have it. */
  endStreams(): void {
    this.#cut();
  }
}

/** The ids of events. */
export function ids(events: readonly Pick<Event, "id">[]): string[] {
  return events.map((e) => e.id);
}
