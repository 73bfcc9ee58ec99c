// Runs a browser with several tabs and rooms against a model of the server, over a network
// that fails at random, with tabs that come and go, and logs that are trimmed and replaced:
// every tab shows every event once and in order, and what the user sends is stored once and
// in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, bob, message, seededRandom } from "../testing/session-harness";
import { ids, SimulatedBrowser, type SimulatedTab } from "../testing/simulated-browser";
import { SimulatedServer } from "../testing/simulated-server";

const rooms = ["lobby", "tea", "milk"];

class Simulation {
  readonly server: SimulatedServer;
  readonly browser: SimulatedBrowser;
  /** What the user has sent, by room. */
  readonly said = new Map<string, string[]>(rooms.map((room) => [room, []]));

  constructor(readonly random: () => number) {
    this.server = new SimulatedServer(rooms, random);
    this.browser = new SimulatedBrowser(this.server, random);
    this.browser.openTab();
  }

  pick<T>(all: readonly T[]): T {
    return all[Math.floor(this.random() * all.length)] as T;
  }

  /** Something happens to the rooms or the tabs. */
  act(i: number, withResets: boolean): void {
    const { server, browser } = this;
    const room = this.pick(rooms);
    const chance = this.random();
    if (chance < 0.3) {
      server.append(room, `bob-${i}`, bob, message("from bob"), browser.now);
    } else if (chance < 0.5) {
      this.said.get(room)?.push(`ada-${i}`);
      browser.send(room, `ada-${i}`);
    } else if (chance < 0.65) {
      browser.want(this.pick(browser.tabs), room, true);
    } else if (chance < 0.7) {
      browser.want(this.pick(browser.tabs), room, false);
    } else if (chance < 0.73 && browser.tabs.length < 5) {
      browser.openTab();
    } else if (chance < 0.76 && browser.tabs.length > 1) {
      browser.closeTab(this.pick(browser.tabs));
    } else if (chance < 0.78 && withResets) {
      server.trim(room);
      browser.endStreams();
    } else if (chance < 0.88 && withResets) {
      browser.count(room);
    } else if (chance > 0.9) {
      browser.page(this.pick(browser.tabs), room);
    }
  }

  settle(steps = 600): void {
    for (let i = 0; i < steps; i++) this.browser.step(true);
  }

  /** Every room is wanted by a tab, and a last event reveals what was left out before it. */
  finish(): void {
    for (const room of rooms) this.browser.want(this.pick(this.browser.tabs), room, true);
    this.settle();
    for (const room of rooms) this.server.append(room, "last", bob, message("last"), this.browser.now);
    this.settle();
    checkOrder(this, "before the newest messages are loaded");
    while (this.browser.loadLater()) this.settle(30);
  }
}

function checkTimelines(simulation: Simulation, what: string): void {
  for (const tab of simulation.browser.tabs) {
    for (const room of tab.wanted) checkTimeline(simulation, tab, room, `${what}, ${tab.id}, room ${room}`);
  }
}

/** The timelines have their part of the log, and every gap in it is marked. */
function checkOrder({ server, browser }: Simulation, what: string): void {
  for (const tab of browser.tabs) {
    for (const room of tab.wanted) {
      const { timeline } = browser.session(tab, room);
      const { all } = server.log(room);
      for (const [i, post] of timeline.posts.entries()) {
        const at = all.findIndex((e) => e.id === post.id);
        const before = timeline.posts[i - 1];
        if (before && !timeline.gaps.includes(post.sequence)) assert.equal(all[at - 1]?.id, before.id, what);
      }
    }
  }
}

/** The timeline ends with the log, and every gap in it is marked. */
function checkTimeline({ server, browser }: Simulation, tab: SimulatedTab, room: string, what: string): void {
  const { timeline, connection } = browser.session(tab, room);
  const { all } = server.log(room);
  assert.equal(connection.phase, "live", what);
  assert.equal(timeline.posts.at(-1)?.id, "last", what);
  for (const [i, post] of timeline.posts.entries()) {
    const at = all.findIndex((e) => e.id === post.id);
    assert.equal(all[at]?.sequence, post.sequence, what);
    const before = timeline.posts[i - 1];
    const isMarked = timeline.gaps.includes(post.sequence);
    if (before && !isMarked) assert.equal(all[at - 1]?.id, before.id, `${what}: before ${post.id}`);
  }
}

/** The timeline is all that is retained, and tells how many messages before it are not. Returns whether it was a reset. */
function checkMissing({ server, browser }: Simulation, tab: SimulatedTab, room: string, what: string): boolean {
  const { timeline } = browser.session(tab, room);
  const { all } = server.log(room);
  assert.equal(timeline.more, false, what);
  if (timeline.gaps.length > 0) return false;
  const lost = all.findIndex((e) => e.id === timeline.posts[0]?.id);
  const { reset } = timeline;
  if (!reset) assert.equal(timeline.missing, lost, what);
  if (!reset || reset.before === null) return false;
  if (reset.after > 0n) assert.equal(Number(reset.before), all.findIndex((e) => e.sequence === reset.after) + 1, what);
  // A tab may have read further than the stream that was reset.
  assert.equal(reset.missed, Math.max(0, lost - Number(reset.before)), what);
  return true;
}

test("every tab shows every event once, and sends are stored once and in order, whatever fails", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const simulation = new Simulation(seededRandom(seed));
    for (let i = 0; i < 150; i++) {
      simulation.act(i, false);
      simulation.browser.step(false);
    }
    simulation.finish();
    const what = `seed ${seed}`;
    checkTimelines(simulation, what);
    for (const room of rooms) {
      const own = simulation.server.log(room).all.filter((e) => e.sender.id === ada.member.id);
      assert.deepEqual(ids(own), simulation.said.get(room), what);
    }
    for (const tab of simulation.browser.tabs) {
      for (const room of tab.wanted) {
        const { timeline, outbox } = simulation.browser.session(tab, room);
        assert.deepEqual([timeline.gaps, timeline.reset, outbox.entries], [[], null, []], what);
      }
    }
    assert.deepEqual(simulation.browser.hub?.outbox.entries, [], what);
  }
});

test("logs that lose their beginning are followed to their end, and the loss is told and counted", () => {
  let resets = 0;
  let counted = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const simulation = new Simulation(seededRandom(seed));
    for (let i = 0; i < 150; i++) {
      simulation.act(i, true);
      simulation.browser.step(false);
    }
    simulation.finish();
    checkTimelines(simulation, `seed ${seed}`);
    for (const room of rooms) simulation.browser.count(room);
    for (let i = 0; i < 10; i++) {
      simulation.browser.loadEarlier();
      simulation.settle(30);
    }
    for (const tab of simulation.browser.tabs) {
      for (const room of tab.wanted) {
        if (simulation.browser.session(tab, room).timeline.reset) resets++;
        if (checkMissing(simulation, tab, room, `seed ${seed}, ${tab.id}, room ${room}`)) counted++;
      }
    }
  }
  assert.ok(resets > 50, `${resets} resets were told`);
  assert.ok(counted > 10, `${counted} of ${resets} resets were counted`);
});

test("a log that is replaced is followed from then on", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const simulation = new Simulation(seededRandom(seed));
    for (let i = 0; i < 60; i++) {
      simulation.act(i, true);
      simulation.browser.step(false);
    }
    for (const room of rooms) simulation.server.replace(room);
    simulation.browser.endStreams();
    for (const room of rooms) simulation.server.append(room, "first", bob, message("first"), simulation.browser.now);
    simulation.finish();
    checkTimelines(simulation, `seed ${seed}`);
  }
});
