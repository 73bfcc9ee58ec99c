// For tests: runs a session with a clock that is set by hand.

import type { Failure, FailureCode } from "../failure";
import type { Effect as HubEffect } from "../hub/effect";
import { hubStep } from "../hub/hub";
import { type HubState, initialHub } from "../hub/hub-state";
import type { HubInput } from "../hub/input";
import { newEntry } from "../hub/outbox-entry";
import type { Body, Event, Frame, Identity, JoinedFrame, JoinedRoom, Member, Message, SendBody, Start } from "../model";
import type { Input } from "../session/input";
import { step } from "../session/session";
import type { Effect } from "../state/effect";
import { initialState, type SessionState } from "../state/session-state";

/** The room of the tests. */
export const room = "lobby";
export const ada: Identity = { token: "token-ada", member: { id: "ada", name: "Ada" }, expires: 1e13 };
export const bob: Member = { id: "bob", name: "Bob" };

export function message(text: string, replyTo = 0n): Message {
  return { kind: "message", text, replyTo };
}

/** The first frame of a stream of a room whose log ends at `head`. */
export function joined(head = 0, change: Partial<JoinedRoom> = {}, frame: Partial<JoinedFrame> = {}): JoinedFrame {
  const state = { room, epoch: "e1", head: BigInt(head), members: 1, member: ada.member, displayName: "", topic: "" };
  return {
    kind: "joined",
    member: ada.member,
    rooms: [{ ...state, rights: null, ...change }],
    heartbeat: 15_000,
    streamId: "",
    tokenExpires: 0,
    ...frame,
  };
}

export const caughtUp: Frame = { kind: "caughtUp", room };

/** A log that is another one, or that does not go back to the cursor any more. */
export function reset(epoch: string, head: bigint, oldest = 0n): Frame {
  return { kind: "reset", room, epoch, oldest, head };
}

/** The frame of an ephemeral event. */
export function ephemeral(body: Body, sender = bob): Frame {
  return { kind: "event", event: event(0, { previous: 0n, sender, body }) };
}

/** A message of bob's, right after the event with the sequence before. */
export function event(sequence: number, change: Partial<Event> = {}): Event {
  return {
    room,
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

type AnyInput = HubInput | Input;
type AnyEffect = HubEffect | Effect;

/** What users send, as the tab enters it into the outbox. */
export function send(id: string, body: SendBody, inRoom = room): HubInput {
  return { type: "send", entry: newEntry(id, inRoom, body, 1_000_000) };
}

/** Runs the hub with the session of one room, as in a browser with one tab. */
export class SessionHarness {
  hub: HubState;
  state: SessionState;
  now = 1_000_000;
  /** The next random number. */
  chance = 0.5;
  /** The effects of the last input. */
  effects: AnyEffect[] = [];

  constructor({ identity = ada, provided = false }: { identity?: Identity | null; provided?: boolean } = {}) {
    this.hub = initialHub(identity, provided);
    this.state = initialState(room, this.hub.auth);
    this.do({ type: "viewportChanged", visible: true, atEnd: true }, { type: "restored", entries: [] });
  }

  do(...inputs: AnyInput[]): this {
    for (const input of inputs) {
      this.effects = [];
      if (isSessionInput(input)) this.#session(input);
      else this.#hub(input);
    }
    return this;
  }

  /** The tab wants its room, from its cursor on. */
  start(): this {
    this.do({ type: "want", tab: "tab", rooms: [{ room, cursor: this.state.cursor }] });
    return this.do({ type: "timer", timer: "resubscribe" });
  }

  #hub(input: HubInput): void {
    const env = { now: this.now, date: this.now, random: () => this.chance };
    const [hub, effects] = hubStep(this.hub, input, env);
    this.hub = hub;
    for (const effect of effects) {
      this.effects.push(effect);
      if (effect.type !== "publish") continue;
      const { news } = effect;
      if (news.type !== "roomsChanged" && news.type !== "listRooms") this.#session({ type: "news", news });
    }
    const { auth, connection, outbox } = hub;
    this.#session({ type: "shared", auth, connection, entries: outbox.entries.filter((e) => e.room === room) });
  }

  #session(input: Input): void {
    const [state, effects] = step(this.state, input, { now: this.now, random: () => this.chance });
    this.state = state;
    this.effects.push(...effects);
  }

  /** Sends frames on the newest stream. */
  frames(...frames: Frame[]): this {
    for (const frame of frames) this.do({ type: "frame", stream: this.hub.connection.stream, frame });
    return this;
  }

  events(...sequences: number[]): this {
    return this.frames(...sequences.map((n) => ({ kind: "event" as const, event: event(n) })));
  }

  /** Ends the newest stream, by default because the server is unavailable. */
  end(code: FailureCode = "unavailable", failure: Partial<Failure> = {}): this {
    return this.do({ type: "ended", stream: this.hub.connection.stream, end: { code, message: "gone", ...failure } });
  }

  /** Makes the session live in a room whose log ends at `head`, with some events delivered. */
  live(head = 0, ...delivered: number[]): this {
    return this.start()
      .frames(joined(head))
      .events(...delivered)
      .frames(caughtUp);
  }

  /** The last input's effects of one type. */
  of<T extends AnyEffect["type"]>(type: T): Extract<AnyEffect, { type: T }>[] {
    return this.effects.filter((e): e is Extract<AnyEffect, { type: T }> => e.type === type);
  }

  /** Where the stream starts that the last input opened. */
  get startOf(): Start | undefined {
    return this.of("openStream")[0]?.rooms[0]?.start;
  }

  /** The sequences of the timeline's posts. */
  get posts(): number[] {
    return this.state.timeline.posts.map((post) => Number(post.sequence));
  }

  get outbox(): string[] {
    return this.state.outbox.entries.map((entry) => `${entry.id} ${entry.status}`);
  }
}

const sessionInputs: ReadonlySet<string> = new Set([
  "shared",
  "news",
  "counted",
  "opened",
  "left",
  "read",
  "caughtUpTo",
  "catchUpFailed",
  "draftChanged",
  "draftSent",
  "loadEarlier",
  "loadLater",
  "loadNewest",
  "goTo",
  "targetReached",
  "pageLoaded",
  "pageFailed",
  "quoteLoaded",
  "membersShown",
  "membersListed",
  "viewportChanged",
] satisfies Input["type"][]);

function isSessionInput(input: AnyInput): input is Input {
  if (input.type === "timer") return input.timer === "history" || input.timer === "members" || input.timer === "typing";
  return sessionInputs.has(input.type);
}
