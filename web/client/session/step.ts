// The state of a page's session with one room, what happens to it, and what it
// wants done. See session.ts.

import type { Change, Crowd, Cursor, End, Event, Failure, Frame, Identity, Page, Place, Presented, Receipt, RoomsChanged, Said, Speech, Start } from "../model";
import { nobody, type People } from "../state/presence";
import { unknown, type Quotes } from "../state/quotes";
import { empty, type Timeline } from "../state/timeline";
import { silent, type Typing } from "../state/typing";

/** What the page knows. It is never changed, only replaced. */
export interface State {
  readonly room: string;
  /** How the room presents itself. */
  readonly presented: Presented;
  readonly who: Who;
  readonly link: Link;
  /** The last event seen; null until the first stream has said where it is. */
  readonly cursor: Cursor | null;
  readonly timeline: Timeline;
  readonly history: History;
  readonly quotes: Quotes;
  readonly people: People;
  readonly typing: Typing;
  /** What was said here and is not in the timeline yet, in the order of saying. */
  readonly outbox: readonly Outgoing[];
  /** Nothing is sent before; 0 when nothing has failed. */
  readonly resendAt: number;
  readonly looking: { readonly visible: boolean; readonly atEnd: boolean };
  /** How many messages came while nobody looked. */
  readonly unread: number;
}

/** Who speaks. */
export interface Who {
  readonly identity: Identity | null;
  /** The name last used: the one to sign in with again. Empty before the first. */
  readonly name: string;
  /** All member ids that were ours, for telling our events from others'. */
  readonly ids: readonly string[];
  /** The sign-in that is under way: from the form, again with the stored name, or before the token ends. */
  readonly asking: { readonly serial: number; readonly name: string; readonly for: "form" | "return" | "renewal" } | null;
  readonly serial: number;
  /** Why the last name was not taken; empty when it was. */
  readonly problem: string;
}

export type Phase =
  | "signingIn" // no stream: a token is being fetched first
  | "connecting" // asked for a stream, nothing heard yet
  | "catchingUp" // joined, the replay is coming
  | "live"
  | "waiting" // until retryAt
  | "refused"; // by the server, for good

/** The connection. */
export interface Link {
  readonly phase: Phase;
  /** The serial number of the newest stream. */
  readonly stream: number;
  /** The member id under which it was opened. */
  readonly as: string;
  /** Failures in a row. */
  readonly attempt: number;
  readonly retryAt: number;
  readonly joinedAt: number;
  readonly heardAt: number;
  /** How long the stream may be silent. */
  readonly silence: number;
  /** The log's epoch and head, as told when joining. */
  readonly epoch: string;
  readonly head: bigint;
  /** The server said that it goes away, and has not been back since. */
  readonly restarting: boolean;
  /** What the browser says about the network, which may be wrong. */
  readonly online: boolean;
  /** Whether the stream reports changes to the list of rooms by now. */
  readonly watching: boolean;
  /** Whether a first replay is over: from then on, messages are new. */
  readonly settled: boolean;
  /** The sequence after which something was missing and asked for again. */
  readonly missing: bigint | null;
  readonly problem: string;
}

/** The reading of older events: at most one page at a time. */
export interface History {
  readonly phase: "idle" | "loading" | "failed";
  readonly ask: "earlier" | "newest";
  readonly serial: number;
  readonly problem: string;
  /** The sequence of the message that somebody wants to see, 0 for none. */
  readonly sought: bigint;
}

/** Something said here, on its way. */
export interface Outgoing {
  readonly id: string;
  readonly body: Speech;
  /** When it was said; once stored, when the server accepted it. */
  readonly time: number;
  /** When it was first queued, or queued again by hand. */
  readonly since: number;
  readonly status: "queued" | "sending" | "stored" | "failed";
  readonly attempts: number;
  /** The place that it got, once stored. */
  readonly at: Cursor | null;
  readonly problem: string;
}

export type Timer = "reconnect" | "watchdog" | "resend" | "people" | "typists";

/** What happens to a session. */
export type Input =
  | { readonly type: "start" }
  | { readonly type: "frame"; readonly stream: number; readonly frame: Frame }
  | { readonly type: "ended"; readonly stream: number; readonly end: End }
  | { readonly type: "timer"; readonly timer: Timer }
  | { readonly type: "named"; readonly name: string }
  | { readonly type: "signedIn"; readonly serial: number; readonly identity: Identity }
  | { readonly type: "signInFailed"; readonly serial: number; readonly failure: Failure }
  | { readonly type: "adopted"; readonly identity: Identity }
  | { readonly type: "said"; readonly id: string; readonly body: Said }
  | { readonly type: "changed"; readonly id: string; readonly change: Change }
  | { readonly type: "sent"; readonly id: string; readonly receipt: Receipt }
  | { readonly type: "sendFailed"; readonly id: string; readonly token: string; readonly failure: Failure }
  | { readonly type: "retry"; readonly id: string }
  | { readonly type: "discard"; readonly id: string }
  | { readonly type: "earlier" }
  | { readonly type: "seek"; readonly sequence: bigint }
  | { readonly type: "found" }
  | { readonly type: "quoted"; readonly serial: number; readonly page: Page | null }
  | { readonly type: "peopleShown"; readonly shown: boolean }
  | { readonly type: "crowd"; readonly serial: number; readonly crowd: Crowd | null }
  | { readonly type: "writing"; readonly empty: boolean }
  | { readonly type: "page"; readonly serial: number; readonly page: Page }
  | { readonly type: "pageFailed"; readonly serial: number; readonly failure: Failure }
  | { readonly type: "reconnect" }
  | { readonly type: "woke" }
  | { readonly type: "network"; readonly online: boolean }
  | { readonly type: "looking"; readonly visible: boolean; readonly atEnd: boolean };

/** What a session wants done. Answers come back as inputs. */
export type Effect =
  | { readonly type: "open"; readonly stream: number; readonly token: string; readonly start: Start }
  | { readonly type: "close"; readonly stream: number }
  | { readonly type: "send"; readonly id: string; readonly body: Speech; readonly token: string }
  | { readonly type: "typing"; readonly token: string; readonly stopped: boolean }
  | { readonly type: "signIn"; readonly serial: number; readonly name: string; readonly token: string }
  | { readonly type: "list"; readonly serial: number; readonly token: string; readonly place: Place; readonly far: boolean }
  | { readonly type: "quote"; readonly serial: number; readonly token: string; readonly before: Cursor }
  | { readonly type: "people"; readonly serial: number; readonly token: string }
  | { readonly type: "timer"; readonly timer: Timer; readonly after: number }
  | { readonly type: "stop"; readonly timer: Timer }
  | { readonly type: "listRooms" }
  | { readonly type: "roomsChanged"; readonly change: RoomsChanged }
  | { readonly type: "keep"; readonly identity: Identity };

/** The world, as far as a session needs it. */
export interface Env {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** From 0 up to, but not including, 1. */
  readonly random: () => number;
}

/** One step of a session: the state as it becomes, and the effects. */
export class Turn {
  readonly effects: Effect[] = [];

  constructor(
    public state: State,
    readonly env: Env,
  ) {}

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change };
  }

  link(change: Partial<Link>): void {
    this.set({ link: { ...this.state.link, ...change } });
  }

  who(change: Partial<Who>): void {
    this.set({ who: { ...this.state.who, ...change } });
  }

  people(change: Partial<People>): void {
    this.set({ people: { ...this.state.people, ...change } });
  }

  typing(change: Partial<Typing>): void {
    this.set({ typing: { ...this.state.typing, ...change } });
  }

  quotes(change: Partial<Quotes>): void {
    this.set({ quotes: { ...this.state.quotes, ...change } });
  }

  do(...effects: Effect[]): void {
    this.effects.push(...effects);
  }

  get token(): string {
    return this.state.who.identity?.token ?? "";
  }
}

/** What a visitor brings along from earlier. */
export interface Remembered {
  readonly identity: Identity | null;
  readonly outbox: readonly Outgoing[];
}

/** The state before the input "start". */
export function initial(room: string, was: Remembered): State {
  return {
    room,
    presented: { displayName: "", topic: "" },
    who: {
      identity: was.identity,
      name: was.identity?.member.name ?? "",
      ids: was.identity ? [was.identity.member.id] : [],
      asking: null,
      serial: 0,
      problem: "",
    },
    link: {
      phase: "connecting",
      stream: 0,
      as: "",
      attempt: 0,
      retryAt: 0,
      joinedAt: 0,
      heardAt: 0,
      silence: 0,
      epoch: "",
      head: 0n,
      restarting: false,
      online: true,
      watching: false,
      settled: false,
      missing: null,
      problem: "",
    },
    cursor: null,
    timeline: empty,
    history: { phase: "idle", ask: "earlier", serial: 0, problem: "", sought: 0n },
    quotes: unknown,
    people: nobody,
    typing: silent,
    outbox: was.outbox,
    resendAt: 0,
    looking: { visible: true, atEnd: true },
    unread: 0,
  };
}

/** Whether there is a stream, or one is asked for. */
export function isOpen({ phase }: Link): boolean {
  return phase === "connecting" || phase === "catchingUp" || phase === "live";
}

/** Whether an event was sent by this visitor. */
export function isOurs(who: Who, e: Pick<Event, "sender">): boolean {
  return e.sender.id !== "" && who.ids.includes(e.sender.id);
}
