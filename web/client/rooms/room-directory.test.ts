import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Directory, rest, spread, type RoomsQuery } from "./room-directory";
import type { Cursor, ListedRoom, RoomsPage } from "../model";
import { dice } from "../testing/session-harness";
import { unreadIn } from "./room-list";

const gone = { code: "unavailable", message: "Gone." };

/** Lets everything happen that needs no time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

function entry(name: string, messages = 1, unread: number | null = null): ListedRoom {
  return { name, displayName: "", topic: "", members: 1, head: BigInt(messages), messages: BigInt(messages), active: messages, unread };
}

const page = (next: string, ...rooms: ListedRoom[]): RoomsPage => ({ rooms, next });

/** A directory whose lists are answered one after the other. */
function directory(...answers: (RoomsPage | { code: string; message: string })[]) {
  const asked: string[] = [];
  const seen = new Map<string, Cursor>();
  const world = { connected: true, changes: 0 };
  const list = async (token: string, { page: at, size }: RoomsQuery): Promise<RoomsPage> => {
    asked.push([token, at, size].join(" "));
    const answer = answers.shift() ?? assert.fail("one list too many");
    if ("rooms" in answer) return answer;
    throw answer;
  };
  const made = new Directory({
    list, token: () => "t", seen: () => seen, connected: () => world.connected, changed: () => world.changes++, random: () => 0.5,
  });
  const names = () => [...(made.state.rooms?.known.keys() ?? [])].join(" ");
  return { made, asked, seen, world, names, answers };
}

const push = (...rooms: ListedRoom[]) => ({ rooms: rooms.map(({ unread: _, ...room }) => room), removed: [], incomplete: false });
const incomplete = { rooms: [], removed: [], incomplete: true };

beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 }));
afterEach(() => mock.timers.reset());

async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  await settle();
}

test("rooms are listed, and stay when the next list fails", async () => {
  const { made, names, asked, world } = directory(page("", entry("a")), gone);
  world.connected = false;
  await made.refresh();
  assert.deepEqual([names(), made.state.problem], ["a", ""]);
  await made.refresh();
  assert.deepEqual([names(), made.state.problem], ["a", "Gone."]);
  await pass(60_000);
  assert.deepEqual(asked, ["t  100", "t  100"], "the next stream will cause a list");
});

test("with a stream, a list that fails is tried again, and is not when it succeeds", async () => {
  const { made, names, asked } = directory(gone, gone, page("", entry("a")));
  await made.refresh();
  await pass(250);
  await pass(500);
  assert.deepEqual([names(), made.state.problem, asked.length], ["a", "", 3]);
  await pass(60_000);
  assert.equal(asked.length, 3);
});

test("while an answer is awaited one more list is asked for, and no more", async () => {
  const { made, asked, names } = directory(page(""), page("", entry("a")));
  await Promise.all([made.refresh(), made.refresh(), made.refresh()]);
  assert.deepEqual([asked.length, names()], [2, "a"]);
});

test("a token that is not valid is no reason to list nothing", async () => {
  const { made, asked, names } = directory({ code: "unauthenticated", message: "" }, page("", entry("a")));
  await made.refresh();
  assert.deepEqual([asked, names()], [["t  100", "  100"], "a"]);
});

test("nothing is listed while nothing is missed, however much is pushed", async () => {
  const { made, asked, world } = directory(page("", entry("a", 1, 0)));
  await made.refresh();
  for (let i = 2; i < 200; i++) {
    made.push(push(entry("a", i)));
    await pass(1_000);
  }
  assert.equal(asked.length, 1);
  assert.equal(unreadIn(made.state.rooms!.known.get("a")!), 100);
  assert.equal(world.changes, 200);
});

test("incomplete pushes cause one list in 10 s, a little later than they come", async () => {
  const { made, asked } = directory(...Array<RoomsPage>(9).fill(page("", entry("a"))));
  await made.refresh();
  await pass(rest);
  made.push(incomplete);
  await pass(spread / 2 - 1);
  assert.equal(asked.length, 1);
  await pass(1);
  assert.equal(asked.length, 2);
  for (let i = 0; i < 30; i++) {
    made.push(incomplete);
    await pass(1_000);
  }
  assert.equal(asked.length, 5);
});

test("what is pushed while a page is read is not lost by what the page has", async () => {
  const { made, names } = directory(page("", entry("a", 5, 0)), page("", entry("a", 5, 0)));
  await made.refresh();
  const reading = made.refresh();
  made.push(push(entry("a", 7), entry("b")));
  assert.equal(names(), "a b");
  await reading;
  assert.equal(names(), "a b");
  assert.equal(unreadIn(made.state.rooms!.known.get("a")!), 2);
  const again = directory(page("", entry("a", 7, 2)));
  const first = again.made.refresh();
  again.made.read("a", 7n);
  await first;
  assert.equal(unreadIn(again.made.state.rooms!.known.get("a")!), 0);
});

test("further pages are read one at a time, until there are none", async () => {
  const { made, asked, names } = directory(page("2", entry("a")), page("", entry("b")));
  await made.refresh();
  await Promise.all([made.more(), made.more()]);
  await made.more();
  assert.deepEqual([asked, names()], [["t  100", "t 2 100"], "a b"]);
});

test("a page that fails can be asked for again", async () => {
  const { made, names } = directory(gone, page("2", entry("a")), gone, page("", entry("b")));
  await made.more();
  assert.equal(made.state.problem, "Gone.");
  await made.more();
  await made.more();
  assert.deepEqual([names(), made.state.problem], ["a", "Gone."]);
  await made.more();
  assert.deepEqual([names(), made.state.problem], ["a b", ""]);
});

test("asking for more after a list that failed lists again", async () => {
  const { made, names, world } = directory(page("", entry("a")), gone, page("", entry("b")));
  world.connected = false;
  await made.refresh();
  await made.refresh();
  await made.more();
  assert.deepEqual([names(), made.state.problem], ["b", ""]);
});

test("as many rooms are listed again as there were", async () => {
  const many = Array.from({ length: 150 }, (_, i) => entry(`room-${i}`));
  const { made, asked } = directory(page("2", ...many), page("3", ...many), page("", ...many));
  await made.refresh();
  await made.refresh();
  await made.more();
  assert.deepEqual(asked, ["t  100", "t  150", "t 3 100"]);
});

test("a visited room that is quieter than the first page is sought in one large page", async () => {
  const { made, asked, seen, names } = directory(page("2", entry("a")), page("3", entry("b")));
  seen.set("z", { epoch: "e", sequence: 4n });
  await made.refresh();
  assert.deepEqual([asked, names()], [["t  100", "t 2 1000"], "z a b"]);
});

test("rooms that pushes alone have brought don't pile up", async () => {
  const { made, asked, names } = directory(page("2", entry("a")), page("2", entry("b")));
  await made.refresh();
  for (let i = 0; i <= 1_001; i++) made.push(push(entry(`room-${i}`)));
  await pass(rest);
  assert.deepEqual([asked.length, names()], [2, "b"]);
});

/** A server with rooms, and a browser that visits them, over calls that take time. */
class World {
  readonly logs = new Map<string, { message: boolean }[]>();
  readonly seen = new Map<string, Cursor>();
  readonly dirty = new Set<string>();
  readonly directory: Directory;
  /** What is on its way: pushes keep their order, answers to lists do not. */
  readonly pushes: (() => void)[] = [];
  readonly calls: (() => void)[] = [];

  constructor(readonly random: () => number) {
    this.directory = new Directory({
      list: (_, query) => this.#list(query), token: () => "", seen: () => new Map(this.seen),
      connected: () => true, changed: () => {}, random,
    });
  }

  pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)]!;
  }

  entry(name: string, seen?: Cursor): ListedRoom {
    const log = this.logs.get(name)!;
    const count = (from: number) => log.slice(from).filter((e) => e.message).length;
    const unread = seen ? Math.min(100, log.slice(Number(seen.sequence)).filter((e) => e.message).length) : null;
    return { ...entry(name, 0, unread), head: BigInt(log.length), messages: BigInt(count(0)), active: log.length };
  }

  #list({ seen }: RoomsQuery): Promise<RoomsPage> {
    return new Promise((resolve, reject) => {
      this.calls.push(() => {
        const rooms = [...this.logs.keys()].map((name) => this.entry(name, seen.get(name)));
        this.calls.push(() => (this.random() < 0.1 ? reject(gone) : resolve(page("", ...rooms))));
      });
    });
  }

  happen(name: string, message: boolean): void {
    this.logs.set(name, [...(this.logs.get(name) ?? []), { message }]);
    this.dirty.add(name);
  }

  /** Reads a room up to a place between what was seen and its end. */
  visit(name: string): void {
    const { length } = this.logs.get(name)!;
    const before = Number(this.seen.get(name)?.sequence ?? 0n);
    const sequence = BigInt(before + Math.ceil(this.random() * (length - before)));
    this.seen.set(name, { epoch: "e", sequence });
    this.directory.read(name, sequence);
  }

  /** The server tells what has changed: all of it, or only that there was more. */
  push(all: boolean): void {
    const names = [...this.dirty].filter(() => all || this.random() < 0.5);
    const change = { ...push(...names.map((name) => this.entry(name))), incomplete: names.length < this.dirty.size };
    this.dirty.clear();
    this.pushes.push(() => this.directory.push(change));
  }

  async arrive(): Promise<void> {
    if (this.random() < 0.5) this.pushes.shift()?.();
    else this.calls.splice(Math.floor(this.random() * this.calls.length), 1)[0]?.();
    await settle();
  }
}

test("whatever order things arrive in, every count is right in the end", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = dice(seed);
    const world = new World(random);
    const names = ["a", "b", "c", "d"];
    void world.directory.refresh();
    for (let i = 0; i < 200; i++) {
      const dice = random();
      if (dice < 0.3) world.happen(world.pick(names), random() < 0.7);
      else if (dice < 0.4 && world.logs.size > 0) world.visit(world.pick([...world.logs.keys()]));
      else if (dice < 0.5) world.push(random() < 0.8);
      else if (dice < 0.52) void world.directory.refresh(); // a new stream
      else await world.arrive();
      await pass(random() * 1_000);
    }
    world.push(true);
    for (let i = 0; i < 100 || world.pushes.length + world.calls.length > 0; i++) {
      await world.arrive();
      await pass(1_000);
    }
    const shown = [...world.directory.state.rooms!.known.values()].map((r) => [r.name, r.read === null ? null : unreadIn(r)]);
    const actual = [...world.logs.keys()].map((name) => [name, world.entry(name, world.seen.get(name)).unread]);
    assert.deepEqual(shown.sort(), actual.sort(), `seed ${seed}`);
  }
});
