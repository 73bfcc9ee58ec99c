// Sessions against a model of the server, over a network that fails at every
// turn: whatever happens, everything is shown once and in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, Start } from "../model";
import { ada, bob, dice, joined, Play, saying } from "../testing/session-harness";
import type { Effect } from "./step";

class World {
  readonly log: Event[] = [];
  readonly page = new Play();
  #open: { stream: number; next: number } | null = null;
  #pending: Effect[] = [];
  readonly #skipped = new Set<Event>();

  constructor(readonly random: () => number) {}

  append(id: string, text: string, sender = bob): Event {
    const again = this.log.find((e) => e.id === id && e.sender.id === sender.id);
    if (again) return again;
    const previous = this.log.at(-1)?.sequence ?? 0n;
    const sequence = previous + 1n + BigInt(Math.floor(this.random() * 3));
    const e: Event = { sequence, previous, time: this.page.now, id, sender, body: saying(text), changes: null };
    this.log.push(e);
    return e;
  }

  do(input: Parameters<Play["do"]>[0]): void {
    this.page.chance = this.random();
    this.page.do(input);
    // Timers are let go off early or late below; only what reaches the server is kept.
    this.#pending.push(...this.page.effects.filter((e) => e.type === "open" || e.type === "send"));
    if (this.page.of("close").length > 0) this.#open = null;
    if (this.page.of("open").length > 0) this.#open = null;
  }

  /** One thing happens. With good luck, nothing fails. */
  turn(luck: boolean): void {
    this.page.now += this.random() * 2_000;
    const effect = this.#pending.shift();
    if (effect?.type === "open") this.#accept(effect.stream, effect.start, luck);
    else if (effect?.type === "send") this.#store(effect, luck);
    else if (this.#open) this.#deliver(luck);
    const { link, resendAt } = this.page.state;
    if (link.phase === "waiting" && this.page.now >= link.retryAt) this.do({ type: "timer", timer: "reconnect" });
    if (resendAt > 0 && this.page.now >= resendAt) this.do({ type: "timer", timer: "resend" });
  }

  #accept(stream: number, start: Start, luck: boolean): void {
    if (!luck && this.random() < 0.3) return this.#cut(stream);
    const next = "after" in start ? this.log.findIndex((e) => e.sequence > start.after.sequence) : Math.max(0, this.log.length - 50);
    this.#open = { stream, next: next < 0 ? this.log.length : next };
    this.#frame(joined(Number(this.log.at(-1)?.sequence ?? 0n)));
    if (this.#open.next >= this.log.length) this.#frame({ kind: "caughtUp" });
  }

  #deliver(luck: boolean): void {
    const open = this.#open!;
    const e = this.log[open.next];
    if (!luck && this.random() < 0.1) return this.#cut(open.stream);
    if (!e) return;
    // A stream that repeats, or skips something once, must do no harm.
    const skips = !luck && this.random() < 0.05 && !this.#skipped.has(e);
    if (skips) this.#skipped.add(e);
    const repeats = !luck && this.random() < 0.1;
    open.next += repeats ? 0 : 1;
    if (skips) return;
    this.#frame({ kind: "event", event: e });
    if (this.#open === open && open.next === this.log.length) this.#frame({ kind: "caughtUp" });
  }

  #frame(frame: Parameters<Play["frames"]>[0]): void {
    if (frame && this.#open) this.do({ type: "frame", stream: this.#open.stream, frame });
  }

  #cut(stream: number): void {
    this.#open = null;
    this.do({ type: "ended", stream, end: { code: "unavailable", message: "cut" } });
  }

  #store({ id, body, token }: Extract<Effect, { type: "send" }>, luck: boolean): void {
    const fate = luck ? 0.5 : this.random();
    const failure = { code: "unavailable", message: "cut" };
    if (fate < 0.2) return this.do({ type: "sendFailed", id, token, failure });
    const { sequence, time } = this.append(id, body.kind === "message" ? body.text : "", ada.member);
    if (fate < 0.4) return this.do({ type: "sendFailed", id, token, failure }); // stored, but the answer is lost
    this.do({ type: "sent", id, receipt: { epoch: "e1", sequence, time } });
  }
}

test("whatever fails, every message is shown once, and own ones are stored in the order of saying", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = dice(seed);
    const world = new World(random);
    const said: string[] = [];
    world.do({ type: "start" });
    for (let i = 0; i < 150; i++) {
      if (random() < 0.15) world.append(`bob-${i}`, "from bob");
      if (random() < 0.15) {
        said.push(`ada-${i}`);
        world.do({ type: "said", id: `ada-${i}`, body: saying("from ada") });
      }
      world.turn(false);
    }
    for (let i = 0; i < 200; i++) world.turn(true);
    world.append("last", "from bob"); // shows up what was skipped before it
    for (let i = 0; i < 200; i++) world.turn(true);

    const shown = world.page.state.timeline.posts.map((e) => e.id);
    const first = world.log.findIndex((e) => e.id === shown[0]);
    assert.deepEqual(shown, world.log.slice(Math.max(0, first)).map((e) => e.id), `seed ${seed}`);
    assert.deepEqual(world.log.filter((e) => e.sender.id === "ada").map((e) => e.id), said, `seed ${seed}`);
    assert.deepEqual(world.page.outbox, [], `seed ${seed}`);
    assert.deepEqual(world.page.state.timeline.holes, [], `seed ${seed}`);
  }
});
