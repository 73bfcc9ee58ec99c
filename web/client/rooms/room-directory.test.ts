import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { ChatError } from "../failure";
import type { Cursor, ListedRoom, RoomsPage } from "../model";
import { seededRandom } from "../testing/session-harness";
import { listInterval, listJitter, RoomDirectory, type RoomsQuery } from "./room-directory";
import { unreadCount } from "./room-list";

const gone = new ChatError({ code: "unavailable", message: "Gone." });

/** Runs everything that is due without a timer. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function entry(name: string, messages = 1, unread: number | null = null): ListedRoom {
  return {
    name,
    displayName: "",
    topic: "",
    members: 1,
    head: BigInt(messages),
    messages: BigInt(messages),
    lastActivity: messages,
    unread,
  };
}

const page = (nextToken: string, ...rooms: ListedRoom[]): RoomsPage => ({ rooms, nextToken });

/** A directory whose requests get these answers in turn. */
function directory(...answers: (RoomsPage | ChatError)[]) {
  const asked: string[] = [];
  const seen = new Map<string, Cursor>();
  const world = { connected: true, changes: 0 };
  const list = async (token: string, { page: at, size }: RoomsQuery): Promise<RoomsPage> => {
    asked.push([token, at, size].join(" "));
    const answer = answers.shift() ?? assert.fail("one list too many");
    if ("rooms" in answer) return answer;
    throw answer;
  };
  const made = new RoomDirectory({
    list,
    token: () => "t",
    readCursors: () => seen,
    connected: () => world.connected,
    onChange: () => world.changes++,
    random: () => 0.5,
  });
  const names = () => [...(made.state.rooms?.known.keys() ?? [])].join(" ");
  return { made, asked, seen, world, names, answers };
}

const push = (...rooms: ListedRoom[]) => ({
  rooms: rooms.map(({ unread: _, ...room }) => room),
  removed: [],
  incomplete: false,
});
const incomplete = { rooms: [], removed: [], incomplete: true };

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 }));
afterEach(() => mock.timers.reset());

async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  await settle();
}

test("rooms stay listed when the next request fails", async () => {
  const { made, names, asked, world } = directory(page("", entry("a")), gone);
  world.connected = false;
  await made.refresh();
  assert.deepEqual([names(), made.state.failure], ["a", null]);
  await made.refresh();
  assert.deepEqual([names(), made.state.failure?.message], ["a", "Gone."]);
  await pass(60_000);
  assert.deepEqual(asked, ["t  100", "t  100"], "the next stream requests the list");
});

test("with a stream, a failed request is repeated until it succeeds", async () => {
  const { made, names, asked } = directory(gone, gone, page("", entry("a")));
  await made.refresh();
  await pass(250);
  await pass(500);
  assert.deepEqual([names(), made.state.failure, asked.length], ["a", null, 3]);
  await pass(60_000);
  assert.equal(asked.length, 3);
});

test("refreshes during a request are combined into one more request", async () => {
  const { made, asked, names } = directory(page(""), page("", entry("a")));
  await Promise.all([made.refresh(), made.refresh(), made.refresh()]);
  assert.deepEqual([asked.length, names()], [2, "a"]);
});

test("a refused token is left out", async () => {
  const { made, asked, names } = directory(
    new ChatError({ code: "unauthenticated", message: "" }),
    page("", entry("a")),
  );
  await made.refresh();
  assert.deepEqual([asked, names()], [["t  100", "  100"], "a"]);
});

test("complete frames cause no request", async () => {
  const { made, asked, world } = directory(page("", entry("a", 1, 0)));
  await made.refresh();
  for (let i = 2; i < 200; i++) {
    made.apply(push(entry("a", i)));
    await pass(1_000);
  }
  assert.equal(asked.length, 1);
  assert.equal(unreadCount(made.state.rooms!.known.get("a")!), 100);
  assert.equal(world.changes, 200);
});

test("incomplete frames cause one request in 10 s, after a jitter", async () => {
  const { made, asked } = directory(...Array<RoomsPage>(9).fill(page("", entry("a"))));
  await made.refresh();
  await pass(listInterval);
  made.apply(incomplete);
  await pass(listJitter / 2 - 1);
  assert.equal(asked.length, 1);
  await pass(1);
  assert.equal(asked.length, 2);
  for (let i = 0; i < 30; i++) {
    made.apply(incomplete);
    await pass(1_000);
  }
  assert.equal(asked.length, 5);
});

test("changes during a request are applied to its answer", async () => {
  const { made, names } = directory(page("", entry("a", 5, 0)), page("", entry("a", 5, 0)));
  await made.refresh();
  const reading = made.refresh();
  made.apply(push(entry("a", 7), entry("b")));
  assert.equal(names(), "a b");
  await reading;
  assert.equal(names(), "a b");
  assert.equal(unreadCount(made.state.rooms!.known.get("a")!), 2);
  const again = directory(page("", entry("a", 7, 2)));
  const first = again.made.refresh();
  again.made.markRead("a", 7n);
  await first;
  assert.equal(unreadCount(again.made.state.rooms!.known.get("a")!), 0);
});

test("further pages are read one at a time, up to the last", async () => {
  const { made, asked, names } = directory(page("2", entry("a")), page("", entry("b")));
  await made.refresh();
  await Promise.all([made.loadMore(), made.loadMore()]);
  await made.loadMore();
  assert.deepEqual([asked, names()], [["t  100", "t 2 100"], "a b"]);
});

test("a failed page can be requested again", async () => {
  const { made, names } = directory(gone, page("2", entry("a")), gone, page("", entry("b")));
  await made.loadMore();
  assert.equal(made.state.failure?.message, "Gone.");
  await made.loadMore();
  await made.loadMore();
  assert.deepEqual([names(), made.state.failure?.message], ["a", "Gone."]);
  await made.loadMore();
  assert.deepEqual([names(), made.state.failure], ["a b", null]);
});

test("loading more after a failed refresh refreshes", async () => {
  const { made, names, world } = directory(page("", entry("a")), gone, page("", entry("b")));
  world.connected = false;
  await made.refresh();
  await made.refresh();
  await made.loadMore();
  assert.deepEqual([names(), made.state.failure], ["b", null]);
});

test("a refresh requests as many rooms as were listed", async () => {
  const many = Array.from({ length: 150 }, (_, i) => entry(`room-${i}`));
  const { made, asked } = directory(page("2", ...many), page("3", ...many), page("", ...many));
  await made.refresh();
  await made.refresh();
  await made.loadMore();
  assert.deepEqual(asked, ["t  100", "t  150", "t 3 100"]);
});

test("a visited room that is not in the first page is looked for in one large page", async () => {
  const { made, asked, seen, names } = directory(page("2", entry("a")), page("3", entry("b")));
  seen.set("z", { epoch: "e", sequence: 4n });
  await made.refresh();
  assert.deepEqual([asked, names()], [["t  100", "t 2 1000"], "z a b"]);
});

test("the number of rooms known from frames alone is bounded", async () => {
  const { made, asked, names } = directory(page("2", entry("a")), page("2", entry("b")));
  await made.refresh();
  for (let i = 0; i <= 1_001; i++) made.apply(push(entry(`room-${i}`)));
  await pass(listInterval);
  assert.deepEqual([asked.length, names()], [2, "b"]);
});

/** A server with rooms, and a browser that visits them, with latency. */
class Simulation {
  readonly logs = new Map<string, { message: boolean }[]>();
  readonly seen = new Map<string, Cursor>();
  readonly dirty = new Set<string>();
  readonly directory: RoomDirectory;
  /** What is in flight: frames keep their order, answers do not. */
  readonly pushes: (() => void)[] = [];
  readonly calls: (() => void)[] = [];

  constructor(readonly random: () => number) {
    this.directory = new RoomDirectory({
      list: (_, query) => this.#list(query),
      token: () => "",
      readCursors: () => new Map(this.seen),
      connected: () => true,
      onChange: () => {},
      random,
    });
  }

  pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }

  entry(name: string, seen?: Cursor): ListedRoom {
    const log = this.logs.get(name)!;
    const count = (from: number) => log.slice(from).filter((e) => e.message).length;
    const unread = seen ? Math.min(100, log.slice(Number(seen.sequence)).filter((e) => e.message).length) : null;
    return {
      ...entry(name, 0, unread),
      head: BigInt(log.length),
      messages: BigInt(count(0)),
      lastActivity: log.length,
    };
  }

  #list({ readCursors: seen }: RoomsQuery): Promise<RoomsPage> {
    return new Promise((resolve, reject) => {
      this.calls.push(() => {
        const rooms = [...this.logs.keys()].map((name) => this.entry(name, seen.get(name)));
        this.calls.push(() => (this.random() < 0.1 ? reject(gone) : resolve(page("", ...rooms))));
      });
    });
  }

  append(name: string, message: boolean): void {
    this.logs.set(name, [...(this.logs.get(name) ?? []), { message }]);
    this.dirty.add(name);
  }

  /** Reads a room up to a random event after the read cursor. */
  visit(name: string): void {
    const { length } = this.logs.get(name)!;
    const before = Number(this.seen.get(name)?.sequence ?? 0n);
    const sequence = BigInt(before + Math.ceil(this.random() * (length - before)));
    this.seen.set(name, { epoch: "e", sequence });
    this.directory.markRead(name, sequence);
  }

  /** The server sends a frame with all changes, or an incomplete one. */
  push(all: boolean): void {
    const names = [...this.dirty].filter(() => all || this.random() < 0.5);
    const change = { ...push(...names.map((name) => this.entry(name))), incomplete: names.length < this.dirty.size };
    this.dirty.clear();
    this.pushes.push(() => this.directory.apply(change));
  }

  async arrive(): Promise<void> {
    if (this.random() < 0.5) this.pushes.shift()?.();
    else this.calls.splice(Math.floor(this.random() * this.calls.length), 1)[0]?.();
    await settle();
  }
}

test("counts converge to the server's in any order of arrival", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = seededRandom(seed);
    const world = new Simulation(random);
    const names = ["a", "b", "c", "d"];
    void world.directory.refresh();
    for (let i = 0; i < 200; i++) {
      const chance = random();
      if (chance < 0.3) world.append(world.pick(names), random() < 0.7);
      else if (chance < 0.4 && world.logs.size > 0) world.visit(world.pick([...world.logs.keys()]));
      else if (chance < 0.5) world.push(random() < 0.8);
      else if (chance < 0.52)
        void world.directory.refresh(); // a new stream
      else await world.arrive();
      await pass(random() * 1_000);
    }
    world.push(true);
    for (let i = 0; i < 100 || world.pushes.length + world.calls.length > 0; i++) {
      await world.arrive();
      await pass(1_000);
    }
    const shown = [...world.directory.state.rooms!.known.values()].map((r) => [
      r.name,
      r.read === null ? null : unreadCount(r),
    ]);
    const actual = [...world.logs.keys()].map((name) => [name, world.entry(name, world.seen.get(name)).unread]);
    assert.deepEqual(shown.sort(), actual.sort(), `seed ${seed}`);
  }
});
