// Tabs open, close, crash, freeze and thaw at random, and the mark of a leader comes and goes:
// in the end one tab leads, what was sent is stored once, and all tabs show the same.

import assert from "node:assert/strict";
import { test } from "node:test";
import { newEntry } from "../hub/outbox-entry";
import { memoryStorage } from "../storage/chat-storage";
import { message, seededRandom } from "../testing/session-harness";
import { type LockMode, type Task, World } from "../testing/simulated-tabs";
import { type HubOptions, HubRunner } from "./hub-runner";

/** The one that runs. */
let simulated: World;

/** Something happens to the tabs. */
async function act(world: World, freezing: number): Promise<void> {
  const { random } = world;
  const running = world.live.filter(({ state }) => state === "live");
  const chance = random();
  if (running.length === 0 || (chance < 0.12 && world.live.length < 6)) return world.open();
  const tab = world.pick(running);
  if (chance < 0.5) return world.send(tab);
  if (chance < 0.58) return world.close(tab);
  if (chance < 0.64) return world.crash(tab);
  if (chance < 0.74) {
    tab.state = "frozen";
    world.later(random() * freezing, () => world.thaw(tab), null);
  } else if (chance < 0.82) {
    world.hasMark = random() < 0.3;
  }
}

async function run(seed: number, mode: LockMode, freezing: number): Promise<World> {
  const world = new World(seededRandom(seed), mode);
  simulated = world;
  world.hasMark = world.random() < 0.3;
  for (const end = world.now + 60_000; world.now < end; await world.pass(world.delay(1_000, 10_000)))
    await act(world, freezing);
  world.isQuiet = true;
  await world.pass(freezing);
  if (world.live.length === 0) await world.open();
  await world.pass(60_000);
  return world;
}

function check(world: World, what: string): void {
  const { live, rows } = world;
  const leaders = live.filter(({ tabs }) => tabs.leads);
  assert.equal(leaders.length, 1, `${what}: one tab leads`);
  assert.equal(live.flatMap(({ streams }) => [...streams]).length, 1, `${what}: there is one stream`);
  assert.deepEqual(world.faults, [], `${what}: nothing is sent twice`);
  const [leader] = leaders;
  for (const { id, shared } of live) {
    assert.deepEqual(shared?.auth, leader?.shared?.auth, `${what}: ${id} shows who the caller is`);
    assert.deepEqual(shared?.entries, leader?.shared?.entries, `${what}: ${id} shows the outbox`);
    assert.equal(shared?.connection.phase, "live", `${what}: ${id} shows the connection`);
  }
  // Whether one that was attempted long before was stored is for the user to find out.
  const failed = leader?.shared?.entries.filter(({ status, failure }) => status === "failed" && failure) ?? [];
  assert.deepEqual(
    [...rows.keys()],
    failed.map(({ id }) => id),
    `${what}: nothing is left`,
  );
  const missing = [...world.everStored].filter((id) => !world.acknowledged.has(id));
  assert.deepEqual(
    missing.filter((id) => !failed.some((e) => e.id === id)),
    [],
    `${what}: all is sent`,
  );
}

for (const mode of ["locks", "no locks", "locks refused"] as const) {
  test(`one tab leads in the end, and what was sent is stored once: ${mode}`, async (t) => {
    t.mock.method(performance, "now", () => simulated.now - performance.timeOrigin);
    t.mock.method(Date, "now", () => simulated.now);
    t.mock.method(Math, "random", () => simulated.random());
    t.mock.method(globalThis, "setTimeout", (run: () => void, after = 0) => simulated.later(after, run));
    t.mock.method(globalThis, "clearTimeout", (task: Task) => {
      simulated.tasks = simulated.tasks.filter((other) => other !== task);
      for (const tab of simulated.tabs) tab.held = tab.held.filter((other) => other !== task);
    });
    for (let seed = 1; seed <= 20; seed++) {
      // Some are frozen for longer than the server remembers ids.
      check(await run(seed, mode, seed % 10 === 0 ? 1_200_000 : 8_000), `seed ${seed}`);
    }
  });
}

test("what is asked about the outbox before it is read is done then", async () => {
  const failed = { ...newEntry("a", "lobby", message("A"), 1), status: "failed" as const };
  for (const [request, left] of [
    [{ type: "discard", id: "a" }, []],
    [{ type: "signOut" }, []],
    [{ type: "retry", id: "a", body: message("B") }, ["queued"]],
  ] as const) {
    const storage = memoryStorage();
    storage.storeEntry(failed);
    const hub = new HubRunner(
      { service: {} as HubOptions["service"], storage, getToken: undefined, guestName: "", watchRooms: false },
      { news: () => {}, changed: () => {} },
    );
    hub.dispatch(request);
    for (let i = 0; i < 5; i++) await null;
    assert.deepEqual(
      hub.state.outbox.entries.map((e) => e.status),
      left,
      request.type,
    );
  }
});
