import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Listener } from "./service";
import type { End, Event, Frame, Page, Place, RoomsChanged, Start } from "../model";
import { event, glimpse, joined } from "../testing/session-harness";
import { patience, Sharing } from "./shared-stream";

/** Lets everything happen that needs no time. */
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
  stream: Listener | null = null;
  readonly opened: Start[] = [];
  readonly frames: Frame[] = [];
  readonly ends: End[] = [];
  woken = 0;
  /** Put to sleep by the browser: it hears nothing. */
  frozen = false;
  readonly channel: { postMessage(word: unknown): void; close(): void; onmessage: BroadcastChannel["onmessage"] };
  readonly sharing: Sharing;
  #close = () => {};

  constructor(readonly browser: Browser) {
    this.channel = {
      onmessage: null,
      close: () => (this.channel.onmessage = null),
      postMessage: (word) => {
        const copy: unknown = structuredClone(word);
        for (const tab of browser.tabs) {
          if (tab === this) continue;
          void Promise.resolve().then(() => !tab.frozen && tab.channel.onmessage?.call({} as BroadcastChannel, { data: copy } as MessageEvent));
        }
      },
    };
    const own = {
      open: (_: string, start: Start, listener: Listener) => {
        this.opened.push(start);
        this.stream = listener;
        return () => (this.stream = null);
      },
      list: (_: string, place: Place) => this.list(place),
      wake: () => this.woken++,
    };
    const locks = { request: browser.request.bind(browser) } as unknown as LockManager;
    this.sharing = new Sharing("lobby", own, { locks, channel: this.channel, visible: () => true });
  }

  /** Pages of two events. */
  list = async (place: Place): Promise<Page> => {
    const log = [...this.browser.log];
    const after = place && "after" in place ? place.after.sequence : null;
    const rest = after === null ? log.slice(-2) : log.filter((e) => e.sequence > after);
    const events = rest.slice(0, 2);
    return { epoch: "e1", events, more: after !== null && rest.length > 2, next: { epoch: "e1", sequence: events.at(-1)?.sequence ?? after ?? 0n } };
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

/** Some tabs, of which the first leads with a stream that stands. */
async function tabs(browser: Browser, n: number): Promise<Tab[]> {
  const all = Array.from({ length: n }, () => browser.tab());
  all.forEach((tab) => tab.open());
  await settle();
  all[0]!.joined();
  await settle();
  for (const tab of all) tab.ends.length = tab.frames.length = 0;
  return all;
}

test("ten tabs have one stream, and all get what it brings", async () => {
  const browser = new Browser();
  const all = await tabs(browser, 10);
  assert.deepEqual(all.map((tab) => tab.stream !== null), [true, ...Array(9).fill(false)]);
  browser.say(1);
  browser.say(2);
  await settle();
  for (const tab of all) assert.deepEqual(tab.events.slice(-2), [1n, 2n]);
});

test("a tab that comes later reads the newest events first, then follows", async () => {
  const browser = new Browser();
  await tabs(browser, 1);
  [1, 2, 3].forEach((n) => browser.say(n));
  const late = browser.tab();
  late.open();
  await settle();
  browser.say(4);
  await settle();
  assert.deepEqual(late.frames.map((f) => f.kind), ["joined", "roomsChanged", "event", "event", "caughtUp", "event"]);
  assert.deepEqual(late.events, [2n, 3n, 4n]);
  assert.equal(late.stream, null);
});

test("a tab that comes back reads all pages after its cursor, and nothing said meanwhile is lost", async () => {
  const browser = new Browser();
  await tabs(browser, 1);
  [1, 2, 3, 4, 5, 6].forEach((n) => browser.say(n));
  const late = browser.tab();
  const list = late.list;
  late.list = async (place) => {
    const page = await list(place);
    browser.say(browser.log.length + 1); // between reading and following
    if (browser.log.length > 9) late.list = list;
    return page;
  };
  late.open({ after: { epoch: "e1", sequence: 1n } });
  await settle();
  const got = [...new Set(late.events)];
  assert.deepEqual(got, browser.log.map((e) => e.sequence).slice(1));
});

test("a cursor that can't be honoured becomes a reset", async () => {
  const browser = new Browser();
  await tabs(browser, 1);
  [1, 2].forEach((n) => browser.say(n));
  const late = browser.tab();
  const { list } = late;
  late.list = (place) => (place ? Promise.reject({ code: "out_of_range", message: "" }) : list(null));
  late.open({ after: { epoch: "e0", sequence: 9n } });
  await settle();
  assert.deepEqual(late.frames.slice(2), [{ kind: "reset", epoch: "e1", head: 2n }, { kind: "caughtUp" }]);
});

test("when the leading tab is closed, another one takes over where it was", async () => {
  const browser = new Browser();
  const [first, second, third] = await tabs(browser, 3);
  browser.say(1);
  await settle();
  first!.leave();
  await settle();
  assert.deepEqual(second!.opened, [{ after: { epoch: "e1", sequence: 1n } }]);
  assert.deepEqual(second!.ends.map((end) => end.moved), [true]);
  browser.log.push(event(2)); // while nobody listened
  second!.joined();
  await settle();
  browser.say(3);
  await settle();
  assert.deepEqual(third!.events, [1n, 2n, 3n]);
  assert.equal(third!.stream, null);
});

test("a leading tab that is asleep loses the lead to the one that asks", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const browser = new Browser();
    const [first] = await tabs(browser, 1);
    first!.frozen = true;
    const second = browser.tab();
    second.open();
    await settle();
    mock.timers.tick(patience - 1);
    await settle();
    assert.equal(second.stream, null);
    mock.timers.tick(1);
    await settle();
    assert.notEqual(second.stream, null);
    assert.equal(first!.stream, null, "it gives its stream up");
    first!.frozen = false;
    second.joined();
    browser.say(1);
    await settle();
    assert.deepEqual(second.events, [1n]);
  } finally {
    mock.timers.reset();
  }
});

test("a browser that gives no locks leaves every tab its own stream", async () => {
  const browser = new Browser();
  Object.assign(browser, { request: () => Promise.reject(new DOMException("no", "SecurityError")) });
  const tab = browser.tab();
  await settle();
  tab.open();
  assert.notEqual(tab.stream, null);
});

test("a stream that fails ends for all, but one sign-in is enough", async () => {
  const browser = new Browser();
  const [first, second] = await tabs(browser, 2);
  first!.stream!.ended({ code: "unauthenticated", message: "" });
  await settle();
  assert.deepEqual(first!.ends.map((end) => end.code), ["unauthenticated"]);
  assert.deepEqual(second!.ends.map((end) => end.code), ["unavailable"]);
});

test("asking wakes a leader without a stream, and its answer comes with the stream", async () => {
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

test("a tab that comes later is told where the room stands then", async () => {
  const browser = new Browser();
  const [first] = await tabs(browser, 1);
  first!.stream!.frame(glimpse({ kind: "memberJoined", members: 5 }));
  first!.stream!.frame(glimpse({ kind: "roomChanged", displayName: "D", topic: "T" }));
  const late = browser.tab();
  late.open();
  await settle();
  assert.deepEqual(late.frames[0], joined(0, { members: 5, displayName: "D", topic: "T" }));
});

const changes = (rooms: string[], incomplete: boolean): RoomsChanged => ({
  kind: "roomsChanged", removed: [], incomplete,
  rooms: rooms.map((name) => ({ name, displayName: "", topic: "", members: 1, head: 2n, messages: 1n, active: 3 })),
});

test("changes to the list of rooms reach all tabs, and each knows when it has missed some", async () => {
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
  assert.deepEqual(heard(second!), [changes([], true)], "once, as the stream has said so itself");
});
