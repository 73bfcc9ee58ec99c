// For tests: plays a session, with a clock that is set by hand.

import type { Body, Event, Frame, Identity, Joined, Member, Said, Start } from "../model";
import { step } from "../session/session";
import { initial, type Effect, type Input, type Remembered, type State } from "../session/step";

export const ada: Identity = { token: "token-ada", member: { id: "ada", name: "Ada" }, expires: 1e13 };
export const bob: Member = { id: "bob", name: "Bob" };

export function saying(text: string, replyTo = 0n): Said {
  return { kind: "message", text, replyTo };
}

/** The first frame of a stream of a room whose log ends at `head`. */
export function joined(head = 0, change: Partial<Joined> = {}): Joined {
  return { kind: "joined", epoch: "e1", head: BigInt(head), heartbeat: 15_000, members: 1, displayName: "", topic: "", ...change };
}

/** An event that is not in the log. */
export function glimpse(body: Body, sender = bob): Frame {
  return { kind: "event", event: event(0, { previous: 0n, sender, body }) };
}

/** An event of bob's; the one before it is the one with the sequence before. */
export function event(sequence: number, change: Partial<Event> = {}): Event {
  return {
    sequence: BigInt(sequence), previous: BigInt(sequence - 1), time: sequence * 1_000,
    id: `id-${sequence}`, sender: bob, body: saying(`text ${sequence}`), changes: null, ...change,
  };
}

/** Repeatable randomness (mulberry32). */
export function dice(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Play {
  state: State;
  now = 1_000_000;
  /** What Math.random would say. */
  chance = 0.5;
  /** The effects of the last input. */
  effects: readonly Effect[] = [];

  constructor(was: Partial<Remembered> = {}) {
    this.state = initial("lobby", { identity: ada, outbox: [], ...was });
  }

  do(...inputs: Input[]): this {
    for (const input of inputs) {
      [this.state, this.effects] = step(this.state, input, { now: this.now, random: () => this.chance });
    }
    return this;
  }

  /** Frames of the newest stream. */
  frames(...frames: Frame[]): this {
    for (const frame of frames) this.do({ type: "frame", stream: this.state.link.stream, frame });
    return this;
  }

  events(...sequences: number[]): this {
    return this.frames(...sequences.map((n) => ({ kind: "event" as const, event: event(n) })));
  }

  /** The newest stream ends, by default because the server is gone. */
  end(code = "unavailable"): this {
    return this.do({ type: "ended", stream: this.state.link.stream, end: { code, message: "gone" } });
  }

  /** Live in a room whose log ends at `head`, of which `shown` have been delivered. */
  live(head = 0, ...shown: number[]): this {
    return this.do({ type: "start" })
      .frames(joined(head))
      .events(...shown)
      .frames({ kind: "caughtUp" });
  }

  /** The last input's effects of one type. */
  of<T extends Effect["type"]>(type: T): Extract<Effect, { type: T }>[] {
    return this.effects.filter((e): e is Extract<Effect, { type: T }> => e.type === type);
  }

  /** Where the stream that the last input opened starts. */
  get start(): Start | undefined {
    return this.of("open")[0]?.start;
  }

  get shown(): number[] {
    return this.state.timeline.posts.map((e) => Number(e.sequence));
  }

  get outbox(): string[] {
    return this.state.outbox.map((o) => `${o.id} ${o.status}`);
  }
}
