import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { ChatError } from "../failure";
import type { Event, EventsPage, Frame, PagePosition, RoomsChangedFrame, Start, StreamEnd } from "../model";
import { ephemeral, event, joined } from "../testing/session-harness";
import type { StreamListener } from "./room-service";
import { leaderTimeout, SharedStream } from "./shared-stream";

/** Runs everything that is due without a timer. */
async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}

interface Request {
  readonly hold: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/** The tabs of one browser, and the server's log. */
class Browser {
  readonly log: Event[] = [];
  readonly tabs: Tab[] = [];
  #holder: Request | null = null;
  #queue: Request[] = [];

  /** Web Locks, for a single name. */
  readonly request = (_: string, options: LockOptions, callback: () => Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      const request = { hold: callback, resolve: resolve as () => void, reject };
      options.signal?.addEventListener("abort", () => {
        this.#queue = this.#queue.filter((r) => r !== request);
        reject(options.signal!.reason);
      });
      if (options.steal) {
        this.#holder?.reject(new DOMException("stolen", "AbortError"));
        this.#holder = request;
        void callback();
        return;
      }
      this.#queue.push(request);
      void Promise.resolve().then(() => this.#grant());
    });

  #grant(): void {
    if (this.#holder) return;
    const next = this.#queue.shift();
    if (!next) return;
    this.#holder = next;
    void next.hold().then(() => {
      next.resolve();
      if (this.#holder === next) this.#holder = null;
      this.#grant();
    });
  }

  tab(): Tab {
    const tab = new Tab(this);
    this.tabs.push(tab);
    return tab;
  }

  say(n: number): void {
    this.log.push(event(n));
    for (const tab of this.tabs) tab.stream?.frame({ kind: "event", event: event(n) });
  }
}

class Tab {
  /** This tab's own stream, if it has one. */
  stream: StreamListener | null = null;
  readonly opened: Start[] = [];
  readonly frames: Frame[] = [];
  readonly ends: StreamEnd[] = [];
  woken = 0;
  /** Suspended by the browser: it receives nothing. */
  frozen = false;
  readonly channel: { postMessage(word: unknown): void; close(): void; onmessage: BroadcastChannel["onmessage"] };
  readonly sharing: SharedStream;
  #close = () => {};

  constructor(readonly browser: Browser) {
    this.channel = {
      onmessage: null,
      close: () => (this.channel.onmessage = null),
      postMessage: (word) => {
        const copy: unknown = structuredClone(word);
        for (const tab of browser.tabs) {
          if (tab === this) continue;
          void Promise.resolve().then(
            () => !tab.frozen && tab.channel.onmessage?.call({} as BroadcastChannel, { data: copy } as MessageEvent),
          );
        }
      },
    };
    const own = {
      openStream: (_: string, start: Start, listener: StreamListener) => {
        this.opened.push(start);
        this.stream = listener;
        return () => (this.stream = null);
      },
      listEvents: (_: string, position: PagePosition) => this.list(position),
      wake: () => this.woken++,
    };
    const locks = { request: browser.request.bind(browser) } as unknown as LockManager;
    this.sharing = new SharedStream("lobby", own, { locks, channel: () => this.channel, visible: () => true });
  }

  /** Pages of two events. */
  list = async (position: PagePosition): Promise<EventsPage> => {
    const log = [...this.browser.log];
    const after = position && "after" in position ? position.after.sequence : null;
    const rest = after === null ? log.slice(-2) : log.filter((e) => e.sequence > after);
    const events = rest.slice(0, 2);
    return {
      epoch: "e1",
      events,
      more: after !== null && rest.length > 2,
      next: { epoch: "e1", sequence: events.at(-1)?.sequence ?? after ?? 0n },
    };
  };

  open(start: Start = { recent: 2 }): void {
    this.#close = this.sharing.open("token", start, {
      frame: (frame) => this.frames.push(frame),
      ended: (end) => {
        this.ends.push(end);
        if (end.moved) this.open({ after: { epoch: "e1", sequence: this.events.at(-1) ?? 0n } });
      },
    });
  }

  close(): void {
    this.#close();
  }

  leave(): void {
    this.browser.tabs.splice(this.browser.tabs.indexOf(this), 1);
    this.stream = null;
    this.sharing.close();
  }

  joined(): void {
    this.stream?.frame(joined(Number(this.browser.log.at(-1)?.sequence ?? 0n)));
    this.stream?.frame({ kind: "caughtUp" });
  }

  get events(): bigint[] {
    return this.frames.filter((f) => f.kind === "event").map((f) => f.event.sequence);
  }
}

/** Some tabs, of which the first one leads with a joined stream. */
async function tabs(browser: Browser, n: number): Promise<Tab[]> {
  const all = Array.from({ length: n }, () => browser.tab());
  for (const tab of all) tab.open();
  await settle();
  all[0]!.joined();
  await settle();
  for (const tab of all) tab.ends.length = tab.frames.length = 0;
  return all;
}

test("ten tabs have one stream, and all receive its events", async () => {
  const browser = new Browser();
  const all = await tabs(browser, 10);
  assert.deepEqual(
    all.map((tab) => tab.stream !== null),
    [true, ...Array(9).fill(false)],
  );
  browser.say(1);
  browser.say(2);
  await settle();
  for (const tab of all) assert.deepEqual(tab.events.slice(-2), [1n, 2n]);
});

test("a later tab reads the newest events, then follows", async () => {
  const browser = new Browser();
  await tabs(browser, 1);
  for (const n of [1, 2, 3]) browser.say(n);
  const late = browser.tab();
  late.open();
  await settle();
  browser.say(4);
  await settle();
  assert.deepEqual(
    late.frames.map((f) => f.kind),
    ["joined", "roomsChanged", "event", "event", "caughtUp", "event"],
  );
  assert.deepEqual(late.events, [2n, 3n, 4n]);
  assert.equal(late.stream, null);
});

test("a tab that returns reads all pages after its cursor, and loses no event in between", async () => {
  const browser = new Browser();
  await tabs(browser, 1);
  for (const n of [1, 2, 3, 4, 5, 6]) browser.say(n);
  const late = browser.tab();
  const list = late.list;
  late.list = async (position) => {
    const page = await list(position);
    browser.say(browser.log.length + 1); // between a page and the frames
    if (browser.log.length > 9) late.list = list;
    return page;
  };
  late.open({ after: { epoch: "e1", sequence: 1n } });
  await settle();
  const got = [...new Set(late.events)];
  assert.deepEqual(got, browser.log.map((e) => e.sequence).slice(1));
});

test("a cursor that is out of range leads to a reset", async () => {
  const browser = new Browser();
  await tabs(browser, 1);
  for (const n of [1, 2]) browser.say(n);
  const late = browser.tab();
  const { list } = late;
  late.list = (position) =>
    position ? Promise.reject(new ChatError({ code: "out_of_range", message: "" })) : list(null);
  late.open({ after: { epoch: "e0", sequence: 9n } });
  await settle();
  assert.deepEqual(late.frames.slice(2), [{ kind: "reset", epoch: "e1", head: 2n }, { kind: "caughtUp" }]);
});

test("when the leading tab is closed, another one continues at its cursor", async () => {
  const browser = new Browser();
  const [first, second, third] = await tabs(browser, 3);
  browser.say(1);
  await settle();
  first!.leave();
  await settle();
  assert.deepEqual(second!.opened, [{ after: { epoch: "e1", sequence: 1n } }]);
  assert.deepEqual(
    second!.ends.map((end) => end.moved),
    [true],
  );
  browser.log.push(event(2)); // while there was no stream
  second!.joined();
  await settle();
  browser.say(3);
  await settle();
  assert.deepEqual(third!.events, [1n, 2n, 3n]);
  assert.equal(third!.stream, null);
});

test("a suspended leader loses the lead to the tab that asks", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const browser = new Browser();
    const [first] = await tabs(browser, 1);
    first!.frozen = true;
    const second = browser.tab();
    second.open();
    await settle();
    mock.timers.tick(leaderTimeout - 1);
    await settle();
    assert.equal(second.stream, null);
    mock.timers.tick(1);
    await settle();
    assert.notEqual(second.stream, null);
    assert.equal(first!.stream, null, "it closes its stream");
    first!.frozen = false;
    second.joined();
    browser.say(1);
    await settle();
    assert.deepEqual(second.events, [1n]);
  } finally {
    mock.timers.reset();
  }
});

test("in a browser that refuses locks every tab has its own stream", async () => {
  const browser = new Browser();
  Object.assign(browser, { request: () => Promise.reject(new DOMException("no", "SecurityError")) });
  const tab = browser.tab();
  await settle();
  tab.open();
  assert.notEqual(tab.stream, null);
});

test("a stream that fails ends for all tabs, but only the leader signs in", async () => {
  const browser = new Browser();
  const [first, second] = await tabs(browser, 2);
  first!.stream!.ended({ code: "unauthenticated", message: "" });
  await settle();
  assert.deepEqual(
    first!.ends.map((end) => end.code),
    ["unauthenticated"],
  );
  assert.deepEqual(
    second!.ends.map((end) => end.code),
    ["unavailable"],
  );
});

test("asking wakes a leader without a stream, which answers when it has one", async () => {
  const browser = new Browser();
  const [first, second] = await tabs(browser, 2);
  first!.stream!.ended({ code: "unavailable", message: "" });
  await settle();
  first!.close();
  const { woken } = first!;
  second!.frames.length = 0;
  second!.open();
  await settle();
  assert.equal(first!.woken, woken + 1);
  assert.equal(second!.frames.length, 0);
  first!.open();
  first!.joined();
  await settle();
  assert.deepEqual(second!.frames.map((f) => f.kind).slice(0, 2), ["joined", "caughtUp"]);
});

test("a later tab receives the current state of the room", async () => {
  const browser = new Browser();
  const [first] = await tabs(browser, 1);
  first!.stream!.frame(ephemeral({ kind: "memberJoined", members: 5 }));
  first!.stream!.frame(ephemeral({ kind: "roomChanged", displayName: "D", topic: "T" }));
  const late = browser.tab();
  late.open();
  await settle();
  assert.deepEqual(late.frames[0], joined(0, { members: 5, displayName: "D", topic: "T" }));
});

const changes = (rooms: string[], incomplete: boolean): RoomsChangedFrame => ({
  kind: "roomsChanged",
  removed: [],
  incomplete,
  rooms: rooms.map((name) => ({
    name,
    displayName: "",
    topic: "",
    members: 1,
    head: 2n,
    messages: 1n,
    lastActivity: 3,
  })),
});

test("changes to the list of rooms reach all tabs, and later tabs know that they missed some", async () => {
  const browser = new Browser();
  const all = await tabs(browser, 2);
  const [first, second] = all;
  first!.stream!.frame(changes(["tea"], false));
  const late = browser.tab();
  late.open();
  await settle();
  first!.stream!.frame(changes(["milk"], false));
  await settle();
  const heard = (tab: Tab) => tab.frames.filter((f) => f.kind === "roomsChanged");
  assert.deepEqual(heard(second!), [changes(["tea"], false), changes(["milk"], false)]);
  assert.deepEqual(heard(late), [changes([], true), changes(["milk"], false)]);

  first!.stream!.ended({ code: "unavailable", message: "" });
  await settle();
  for (const tab of all) tab.frames.length = 0;
  second!.open();
  first!.open();
  first!.joined();
  first!.stream!.frame(changes([], true));
  await settle();
  assert.deepEqual(heard(second!), [changes([], true)], "once, from the stream itself");
});
