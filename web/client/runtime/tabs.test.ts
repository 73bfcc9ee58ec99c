import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { initialAuth } from "../hub/auth";
import { disconnected } from "../hub/connection";
import type { News } from "../hub/effect";
import type { Request } from "../hub/input";
import { newEntry } from "../hub/outbox-entry";
import { memoryStorage } from "../storage/chat-storage";
import { ada, caughtUp, event, joined, message } from "../testing/session-harness";
import type { StreamListener, StreamRequest } from "../transport/chat-service";
import { HubRunner } from "./hub-runner";
import type { Shared, TabBrowser, TabChannel, TabMessage } from "./tab-message";
import { leaderTimeout, Tabs } from "./tabs";

/** Connects the channels of tabs. Messages arrive after a moment, in order. */
class Ether {
  readonly channels = new Set<TabChannel & { readonly isDeaf: () => boolean }>();
  readonly posted: TabMessage[] = [];

  open(isDeaf: () => boolean): TabChannel {
    const channels = this.channels;
    const posted = this.posted;
    const channel: TabChannel & { readonly isDeaf: () => boolean } = {
      isDeaf,
      onmessage: null,
      postMessage(data: TabMessage) {
        if (isDeaf()) return;
        posted.push(data);
        for (const other of channels) {
          if (other === channel) continue;
          setTimeout(() => {
            const to = other as unknown as { onmessage: ((e: { data: TabMessage }) => void) | null };
            if (!other.isDeaf()) to.onmessage?.({ data: structuredClone(data) });
          }, 1);
        }
      },
      close: () => void channels.delete(channel),
    };
    channels.add(channel);
    return channel;
  }
}

/** The locks of an origin: one tab holds it, the others wait. */
class Locks {
  #holder: { readonly lost: (reason: unknown) => void } | null = null;
  readonly #waiting: (() => void)[] = [];

  request(_: string, options: LockOptions, hold: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const aborted = () => new DOMException("lost", "AbortError");
      const take = () => {
        const holder = { lost: reject };
        this.#holder = holder;
        void Promise.resolve(hold()).then((value) => {
          if (this.#holder === holder) {
            this.#holder = null;
            this.#waiting.shift()?.();
          }
          resolve(value);
        });
      };
      if (options.steal) {
        this.#holder?.lost(aborted());
        take();
        return;
      }
      if (!this.#holder) return take();
      this.#waiting.push(take);
      options.signal?.addEventListener("abort", () => {
        const at = this.#waiting.indexOf(take);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(aborted());
      });
    });
  }
}

interface TestTab {
  readonly tabs: Tabs;
  readonly news: News[];
  shared: Shared | null;
  /** Neither hears nor answers, as a frozen tab. */
  frozen: boolean;
}

const streams = new Map<number, { readonly request: StreamRequest; readonly listener: StreamListener }>();
let sent: string[] = [];
let openTabs: TestTab[] = [];
let ether = new Ether();
/** What tabs leave for those to come. */
let hint = { hasLeader: true };
let stored = memoryStorage();

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  mock.method(performance, "now", () => Date.now());
  ether = new Ether();
  hint = { hasLeader: true };
  stored = memoryStorage();
  stored.storeIdentity(ada);
  streams.clear();
  sent = [];
  openTabs = [];
});

afterEach(() => {
  for (const { tabs } of openTabs) tabs.close();
  mock.timers.reset();
  mock.restoreAll();
});

let count = 0;

function openTab(locks?: Locks, hasChannel = true): TestTab {
  const id = `tab-${++count}`;
  const tab = { news: [] as News[], shared: null as Shared | null, frozen: false } as TestTab & { tabs: Tabs };
  const browser: TabBrowser = {
    channel: () => (hasChannel ? ether.open(() => tab.frozen) : null),
    locks: locks as unknown as TabBrowser["locks"],
    visible: () => true,
    hasLeader: {
      get: () => hint.hasLeader,
      set: (hasLeader) => {
        hint.hasLeader = hasLeader;
      },
    },
  };
  const service = {
    openStream(request: StreamRequest, listener: StreamListener) {
      const number = ++count;
      streams.set(number, { request, listener });
      return () => void streams.delete(number);
    },
    send: async (_token: string, _room: string, entryId: string) => {
      sent.push(entryId);
      return { epoch: "e1", sequence: BigInt(sent.length), time: 1 };
    },
    signIn: async () => ada,
    signOut: async () => {},
    renewStream: async () => {},
    probe: async () => {},
  };
  const options = { service, storage: stored, getToken: undefined, guestName: "", watchRooms: false };
  const tabs = new Tabs(
    {
      id,
      name: "test",
      browser,
      startHub: (listener) => new HubRunner(options, listener),
      initial: { auth: initialAuth(ada), connection: disconnected, entries: [] },
      wants: () => [{ room: "lobby", cursor: null }],
    },
    {
      news: (news) => void tab.news.push(news),
      changed: (shared) => {
        tab.shared = shared;
      },
    },
  );
  Object.assign(tab, { tabs });
  openTabs.push(tab);
  tabs.start();
  return tab;
}

/** Lets time pass, and what was promised happen. */
async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 10) {
    mock.timers.tick(10);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  }
}

/** The only stream. */
function stream(): { readonly request: StreamRequest; readonly listener: StreamListener } {
  assert.equal(streams.size, 1, "there is exactly one stream");
  const [only] = streams.values();
  return only!;
}

const send = (id: string): Request => {
  const entry = newEntry(id, "lobby", message(id), 1);
  stored.storeEntry(entry);
  return { type: "send", entry };
};

const heard = (tab: TestTab) =>
  tab.news.map((news) => (news.type === "event" ? Number(news.event.sequence) : news.type));

for (const [name, makeLocks] of [
  ["with locks", () => new Locks()],
  ["without locks", () => undefined],
] as const) {
  test(`tabs have one stream, and all hear it: ${name}`, async () => {
    const locks = makeLocks();
    const tabs = [openTab(locks), openTab(locks), openTab(locks)];
    await pass(1_000);
    const { listener, request } = stream();
    assert.deepEqual(request.rooms, [{ room: "lobby", start: { recent: 50 } }]);
    listener.frame(joined(1));
    listener.frame({ kind: "event", event: event(1) });
    listener.frame(caughtUp);
    await pass(50);
    for (const tab of tabs) {
      assert.deepEqual(heard(tab), ["joined", 1, "caughtUp"]);
      assert.equal(tab.shared?.connection.phase, "live");
    }
    const late = openTab(locks);
    await pass(1_000);
    assert.deepEqual(heard(late), ["joined"], "a late tab learns where the stream is");
    stream();
  });

  test(`what any tab sends goes through the leader, once and in order: ${name}`, async () => {
    const locks = makeLocks();
    const tabs = [openTab(locks), openTab(locks)];
    tabs[1]!.tabs.request(send("a"));
    assert.deepEqual(
      tabs[1]!.shared?.entries.map((e) => `${e.id} ${e.status}`),
      ["a queued"],
      "it shows at once",
    );
    await pass(1_000);
    stream().listener.frame(joined(0));
    tabs[0]!.tabs.request(send("b"));
    await pass(20);
    tabs[1]!.tabs.request(send("c"));
    await pass(100);
    assert.deepEqual(sent, ["a", "b", "c"]);
    for (const tab of tabs) assert.deepEqual(tab.shared?.entries, []);
  });

  test(`when the leader is closed another tab leads at once: ${name}`, async () => {
    const locks = makeLocks();
    const [first, second, third] = [openTab(locks), openTab(locks), openTab(locks)];
    await pass(1_000);
    stream().listener.frame(joined(0));
    second!.tabs.request(send("a"));
    first!.tabs.close();
    await pass(500);
    stream().listener.frame(joined(0));
    await pass(100);
    assert.deepEqual([...new Set(sent)], ["a"]);
    for (const tab of [second!, third!]) assert.equal(tab.shared?.connection.phase, "catchingUp");
  });

  test(`a leader that does not answer is replaced, and follows when it wakes up: ${name}`, async () => {
    const locks = makeLocks();
    const [first, second] = [openTab(locks), openTab(locks)];
    await pass(1_000);
    stream().listener.frame(joined(0));
    await pass(50);
    first!.frozen = true;
    second!.tabs.request(send("a"));
    await pass(2 * leaderTimeout + 1_000);
    const newest = [...streams.values()].at(-1)!;
    newest.listener.frame(joined(0));
    await pass(100);
    assert.deepEqual(sent, ["a"]);
    first!.frozen = false;
    second!.tabs.request(send("b"));
    // A new tab asks who leads, so that both say so.
    const third = openTab(locks);
    await pass(2_000);
    const { listener } = stream();
    if (third.shared?.connection.phase !== "catchingUp") listener.frame(joined(0));
    await pass(100);
    assert.deepEqual(sent, ["a", "b"]);
  });
}

test("tabs that claim the lead at the same time end with one leader", async () => {
  for (let round = 0; round < 20; round++) {
    const tabs = Array.from({ length: 5 }, () => openTab());
    await pass(1_500);
    stream();
    for (const { tabs: t } of tabs) t.close();
    await pass(1_500);
    assert.equal(streams.size, 0);
  }
});

test("a tab whose browser refuses the channel has a stream of its own", async () => {
  const tab = openTab(new Locks(), false);
  await pass(1_000);
  stream().listener.frame(joined(0));
  tab.tabs.request(send("a"));
  await pass(100);
  assert.deepEqual(sent, ["a"]);
  assert.equal(tab.shared?.connection.phase, "catchingUp");
});

test("a tab that is alone posts nothing but who it is", async () => {
  const alone = openTab(new Locks());
  await pass(1_000);
  const { listener } = stream();
  listener.frame(joined(1));
  listener.frame({ kind: "event", event: event(1) });
  listener.frame(caughtUp);
  await pass(100);
  assert.deepEqual(heard(alone), ["joined", 1, "caughtUp"]);
  assert.deepEqual([...new Set(ether.posted.map(({ type }) => type))], ["who", "leads"]);
});

test("a leader asks for what its tab wants at once", async () => {
  openTab(new Locks());
  await Promise.resolve();
  assert.deepEqual(stream().request.rooms, [{ room: "lobby", start: { recent: 50 } }]);
});

for (const [name, makeLocks] of [
  ["with locks", () => new Locks()],
  ["without locks", () => undefined],
] as const) {
  test(`a tab leads at once if no tab has left word of a leader: ${name}`, async () => {
    const locks = makeLocks();
    hint.hasLeader = false;
    const first = openTab(locks);
    await Promise.resolve();
    stream();
    assert.equal(hint.hasLeader, true);
    const second = openTab(locks);
    await pass(1_000);
    stream().listener.frame(joined(0));
    await pass(50);
    for (const tab of [first, second]) assert.equal(tab.shared?.connection.phase, "catchingUp");
    second.tabs.close();
    assert.equal(hint.hasLeader, true, "it has followed");
    first.tabs.close();
    assert.equal(hint.hasLeader, false);
  });

  test(`tabs that lead without knowing of each other end with one leader, and send once: ${name}`, async () => {
    for (let round = 0; round < 20; round++) {
      const locks = makeLocks();
      sent = [];
      const tabs = Array.from({ length: 4 }, () => {
        hint.hasLeader = false;
        return openTab(locks);
      });
      await Promise.resolve();
      assert.equal(streams.size, 4, "each leads");
      for (const [i, tab] of tabs.entries()) tab.tabs.request(send(`${round}.${i}`));
      await pass(1_500);
      stream().listener.frame(joined(0));
      await pass(200);
      assert.equal(tabs.filter((tab) => tab.tabs.leads).length, 1);
      assert.equal(new Set(sent).size, 4, "what each has sent is sent");
      for (const tab of tabs) assert.deepEqual(tab.shared?.entries, [], "and nothing is left");
      const leader = tabs.find((tab) => tab.tabs.leads);
      leader?.tabs.close();
      await pass(1_500);
      stream(); // another one leads
      for (const tab of tabs) tab.tabs.close();
      await pass(1_500);
      assert.equal(streams.size, 0);
    }
  });
}

test("a tab that leads without knowing of newer leaders gives way to the tabs that do", async () => {
  const [first, second] = [openTab(), openTab()];
  await pass(1_000);
  const leads = (tab: TestTab) => tab.tabs.leads && !tab.frozen;
  const old = leads(first) ? first : second;
  old.tabs.close();
  const follower = openTab();
  await pass(1_000);
  const leader = old === first ? second : first;
  assert.ok(leads(leader));
  leader.frozen = true; // for good, and its term is greater than that of a new tab
  streams.clear();
  hint.hasLeader = false;
  const recent = openTab();
  await pass(3 * leaderTimeout);
  stream().listener.frame(joined(0));
  await pass(100);
  for (const tab of [follower, recent]) assert.equal(tab.shared?.connection.phase, "catchingUp");
});
