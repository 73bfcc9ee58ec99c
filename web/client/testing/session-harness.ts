// For tests: runs a session with a clock that is set by hand.

import type { FailureCode } from "../failure";
import type { Body, Event, Frame, Identity, JoinedFrame, Member, Message, Start } from "../model";
import type { Input } from "../session/input";
import { step } from "../session/session";
import type { Effect } from "../state/effect";
import { initialState, type Remembered, type SessionState } from "../state/session-state";

export const ada: Identity = { token: "token-ada", member: { id: "ada", name: "Ada" }, expires: 1e13 };
export const bob: Member = { id: "bob", name: "Bob" };

export function message(text: string, replyTo = 0n): Message {
  return { kind: "message", text, replyTo };
}

/** The first frame of a stream of a room whose log ends at `head`. */
export function joined(head = 0, change: Partial<JoinedFrame> = {}): JoinedFrame {
  return {
    kind: "joined",
    epoch: "e1",
    head: BigInt(head),
    heartbeat: 15_000,
    members: 1,
    member: ada.member,
    displayName: "",
    topic: "",
    rights: null,
    ...change,
  };
}

/** The frame of an ephemeral event. */
export function ephemeral(body: Body, sender = bob): Frame {
  return { kind: "event", event: event(0, { previous: 0n, sender, body }) };
}

/** A message of bob's, right after the event with the sequence before. */
export function event(sequence: number, change: Partial<Event> = {}): Event {
  return {
    sequence: BigInt(sequence),
    previous: BigInt(sequence - 1),
    time: sequence * 1_000,
    id: `id-${sequence}`,
    sender: bob,
    body: message(`text ${sequence}`),
    changes: null,
    ...change,
  };
}

/** A random number generator that repeats itself for a seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class SessionHarness {
  state: SessionState;
  now = 1_000_000;
  /** The next random number. */
  chance = 0.5;
  /** The effects of the last input. */
  effects: readonly Effect[] = [];

  constructor(remembered: Partial<Remembered> = {}) {
    this.state = initialState("lobby", { identity: ada, outbox: [], ...remembered });
  }

  do(...inputs: Input[]): this {
    for (const input of inputs) {
      [this.state, this.effects] = step(this.state, input, { now: this.now, random: () => this.chance });
    }
    return this;
  }

  /** Sends frames on the newest stream. */
  frames(...frames: Frame[]): this {
    for (const frame of frames) this.do({ type: "frame", stream: this.state.connection.stream, frame });
    return this;
  }

  events(...sequences: number[]): this {
    return this.frames(...sequences.map((n) => ({ kind: "event" as const, event: event(n) })));
  }

  /** Ends the newest stream, by default because the server is unavailable. */
  end(code: FailureCode = "unavailable"): this {
    return this.do({ type: "ended", stream: this.state.connection.stream, end: { code, message: "gone" } });
  }

  /** Makes the session live in a room whose log ends at `head`, with some events delivered. */
  live(head = 0, ...delivered: number[]): this {
    return this.do({ type: "start" })
      .frames(joined(head))
      .events(...delivered)
      .frames({ kind: "caughtUp" });
  }

  /** The last input's effects of one type. */
  of<T extends Effect["type"]>(type: T): Extract<Effect, { type: T }>[] {
    return this.effects.filter((e): e is Extract<Effect, { type: T }> => e.type === type);
  }

  /** Where the stream starts that the last input opened. */
  get start(): Start | undefined {
    return this.of("openStream")[0]?.start;
  }

  /** The sequences of the timeline's posts. */
  get posts(): number[] {
    return this.state.timeline.posts.map((post) => Number(post.sequence));
  }

  get outbox(): string[] {
    return this.state.outbox.entries.map((entry) => `${entry.id} ${entry.status}`);
  }
}
