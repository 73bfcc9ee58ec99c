// Runs a session against a model of the server, over a network that fails at
// random: every event is added once and in order.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, Start } from "../model";
import type { Effect } from "../state/effect";
import { ada, bob, joined, message, SessionHarness, seededRandom } from "../testing/session-harness";

class Simulation {
  readonly log: Event[] = [];
  readonly session = new SessionHarness();
  #open: { stream: number; next: number } | null = null;
  #pending: Effect[] = [];
  readonly #skipped = new Set<Event>();

  constructor(readonly random: () => number) {}

  append(id: string, text: string, sender = bob): Event {
    const again = this.log.find((e) => e.id === id && e.sender.id === sender.id);
    if (again) return again;
    const previous = this.log.at(-1)?.sequence ?? 0n;
    const sequence = previous + 1n + BigInt(Math.floor(this.random() * 3));
    const e: Event = { sequence, previous, time: this.session.now, id, sender, body: message(text), changes: null };
    this.log.push(e);
    return e;
  }

  do(input: Parameters<SessionHarness["do"]>[0]): void {
    this.session.chance = this.random();
    this.session.do(input);
    // Timers fire early or late below; only what reaches the server is kept.
    this.#pending.push(...this.session.effects.filter((e) => e.type === "openStream" || e.type === "send"));
    if (this.session.of("closeStream").length > 0) this.#open = null;
    if (this.session.of("openStream").length > 0) this.#open = null;
  }

  /** One thing happens. With luck, nothing fails. */
  step(luck: boolean): void {
    this.session.now += this.random() * 2_000;
    const effect = this.#pending.shift();
    if (effect?.type === "openStream") this.#accept(effect.stream, effect.start, luck);
    else if (effect?.type === "send") this.#store(effect, luck);
    else if (this.#open) this.#deliver(luck);
    const { connection, outbox } = this.session.state;
    if (connection.phase === "waiting" && this.session.now >= connection.retryAt)
      this.do({ type: "timer", timer: "reconnect" });
    if (outbox.resendAt > 0 && this.session.now >= outbox.resendAt) this.do({ type: "timer", timer: "resend" });
  }

  #accept(stream: number, start: Start, luck: boolean): void {
    if (!luck && this.random() < 0.3) return this.#cut(stream);
    const next =
      "after" in start
        ? this.log.findIndex((e) => e.sequence > start.after.sequence)
        : Math.max(0, this.log.length - 50);
    this.#open = { stream, next: next < 0 ? this.log.length : next };
    this.#frame(joined(Number(this.log.at(-1)?.sequence ?? 0n)));
    if (this.#open.next >= this.log.length) this.#frame({ kind: "caughtUp" });
  }

  #deliver(luck: boolean): void {
    const open = this.#open!;
    const e = this.log[open.next];
    if (!luck && this.random() < 0.1) return this.#cut(open.stream);
    if (!e) return;
    // A stream may repeat an event, or skip it once.
    const skips = !luck && this.random() < 0.05 && !this.#skipped.has(e);
    if (skips) this.#skipped.add(e);
    const repeats = !luck && this.random() < 0.1;
    open.next += repeats ? 0 : 1;
    if (skips) return;
    this.#frame({ kind: "event", event: e });
    if (this.#open === open && open.next === this.log.length) this.#frame({ kind: "caughtUp" });
  }

  #frame(frame: Parameters<SessionHarness["frames"]>[0]): void {
    if (frame && this.#open) this.do({ type: "frame", stream: this.#open.stream, frame });
  }

  #cut(stream: number): void {
    this.#open = null;
    this.do({ type: "ended", stream, end: { code: "unavailable", message: "cut" } });
  }

  #store({ id, body, token }: Extract<Effect, { type: "send" }>, luck: boolean): void {
    const fate = luck ? 0.5 : this.random();
    const failure = { code: "unavailable" as const, message: "cut" };
    if (fate < 0.2) return this.do({ type: "sendFailed", id, token, failure });
    const { sequence, time } = this.append(id, body.kind === "message" ? body.text : "", ada.member);
    if (fate < 0.4) return this.do({ type: "sendFailed", id, token, failure }); // stored, but the answer is lost
    this.do({ type: "sent", id, receipt: { epoch: "e1", sequence, time } });
  }
}

test("every message is added once and own ones are stored in order, whatever fails", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed);
    const simulation = new Simulation(random);
    const said: string[] = [];
    simulation.do({ type: "start" });
    for (let i = 0; i < 150; i++) {
      if (random() < 0.15) simulation.append(`bob-${i}`, "from bob");
      if (random() < 0.15) {
        said.push(`ada-${i}`);
        simulation.do({ type: "send", id: `ada-${i}`, body: message("from ada") });
      }
      simulation.step(false);
    }
    for (let i = 0; i < 200; i++) simulation.step(true);
    simulation.append("last", "from bob"); // reveals what was skipped before it
    for (let i = 0; i < 200; i++) simulation.step(true);

    const shown = simulation.session.state.timeline.posts.map((e) => e.id);
    const first = simulation.log.findIndex((e) => e.id === shown[0]);
    assert.deepEqual(
      shown,
      simulation.log.slice(Math.max(0, first)).map((e) => e.id),
      `seed ${seed}`,
    );
    assert.deepEqual(
      simulation.log.filter((e) => e.sender.id === "ada").map((e) => e.id),
      said,
      `seed ${seed}`,
    );
    assert.deepEqual(simulation.session.outbox, [], `seed ${seed}`);
    assert.deepEqual(simulation.session.state.timeline.gaps, [], `seed ${seed}`);
  }
});
