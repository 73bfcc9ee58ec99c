// One stream for all tabs of a room. Over HTTP/1.1 a browser opens six
// connections to a server and no more, and every stream holds one: with six tabs
// open, nothing could be sent. So one tab, the one that holds a lock, leads: it
// has the stream and repeats it to the others, which catch up from the history.
//
// A tab that follows needs no trust in the one that leads: its session checks
// every event against the one before it, as it does with a stream of its own.

import type { Listener, Open } from "./service";
import type { Body, End, Failure, Frame, Joined, Page, Place, Start } from "../model";

/** How long a leader may take to answer before its place is taken, in milliseconds. */
export const patience = 3_000;

const moved: End = { code: "unavailable", message: "The stream goes on in another tab.", moved: true };

type Word =
  /** Asks to follow. A tab that somebody looks at does not want to wait long. */
  | { readonly say: "ask"; readonly from: string; readonly visible: boolean }
  /** Answers that there is no stream yet. */
  | { readonly say: "wait"; readonly to: string }
  /** The stream stands: to everybody, or in answer to one tab. */
  | { readonly say: "joined"; readonly to: string | null; readonly frame: Joined }
  | { readonly say: "frame"; readonly frame: Frame }
  | { readonly say: "ended"; readonly end: End }
  /** A tab has taken the lead. */
  | { readonly say: "leads" };

/** The browser, as far as sharing needs it. */
export interface World {
  readonly locks: Pick<LockManager, "request">;
  readonly channel: Pick<BroadcastChannel, "postMessage" | "close" | "onmessage">;
  readonly visible: () => boolean;
}

/** What a tab can do without the others. */
export interface Own {
  readonly open: Open;
  readonly list: (token: string, place: Place) => Promise<Page>;
  /** Somebody looks at another tab: if this one's stream is dead, it should reconnect now. */
  readonly wake: () => void;
}

/** Whether this browser can share; it can't over plain http to other machines. */
export function canShare(): boolean {
  return "locks" in navigator && typeof BroadcastChannel === "function";
}

/** Takes part in sharing the streams of a room. */
export class Sharing {
  readonly #name: string;
  readonly #own: Own;
  readonly #world: World;
  readonly #id = Math.random().toString(36).slice(2);
  #leading = false;
  #release: (() => void) | null = null;
  #queue: AbortController | null = null;
  #closed = false;
  /** The stream of this tab's session. */
  #current: { readonly listener: Listener; readonly close: () => void } | null = null;
  #follower: Follower | null = null;
  /** While leading: the first frame of the stream, once it stands. */
  #joined: Joined | null = null;

  constructor(room: string, own: Own, world: World) {
    this.#name = `chatroom.stream.${room}`;
    this.#own = own;
    this.#world = world;
    world.channel.onmessage = (message) => this.#hear(message.data as Word);
    this.#enqueue();
  }

  readonly open: Open = (token, start, listener) => {
    const stream = this.#leading ? this.#lead(token, start, listener) : this.#follow(token, start, listener);
    const current = { listener, close: stream };
    this.#current = current;
    return () => {
      if (this.#current === current) this.#current = null;
      stream();
    };
  };

  /** Leaves the others to themselves. */
  close(): void {
    this.#closed = true;
    this.#current?.close();
    this.#current = null;
    this.#queue?.abort();
    this.#release?.();
    this.#world.channel.close();
  }

  #say(word: Word): void {
    if (!this.#closed) this.#world.channel.postMessage(word);
  }

  /** Waits for the lead, for as long as another tab has it. */
  #enqueue(): void {
    this.#queue = new AbortController();
    this.#hold({ signal: this.#queue.signal });
  }

  /** Takes the lead from a tab that does not answer: the browser has put it to sleep. */
  #steal(): void {
    this.#queue?.abort();
    this.#hold({ steal: true });
  }

  #hold(options: LockOptions): void {
    let held = false;
    const hold = () => {
      held = true;
      this.#begin();
      return new Promise<void>((release) => (this.#release = release));
    };
    this.#world.locks.request(this.#name, options, hold).catch((reason: DOMException) => {
      if (this.#closed) return;
      if (held) {
        this.#end();
        this.#enqueue();
      } else if (reason.name !== "AbortError") {
        this.#begin(); // the browser gives no locks here: this tab is on its own
      }
    });
  }

  #begin(): void {
    this.#leading = true;
    this.#say({ say: "leads" });
    this.#move();
  }

  /** The lead was taken away. */
  #end(): void {
    this.#leading = false;
    this.#release = null;
    this.#joined = null;
    this.#move();
  }

  /** Has the session open its stream again, in this tab's new role. */
  #move(): void {
    const current = this.#current;
    this.#current = null;
    current?.close();
    current?.listener.ended(moved);
  }

  #lead(token: string, start: Start, listener: Listener): () => void {
    const close = this.#own.open(token, start, {
      frame: (frame) => {
        if (frame.kind === "joined") {
          this.#joined = frame;
          this.#say({ say: "joined", to: null, frame });
        } else {
          if (this.#joined && frame.kind === "event") this.#joined = since(this.#joined, frame.event.body);
          this.#say({ say: "frame", frame });
        }
        listener.frame(frame);
      },
      ended: (end) => {
        this.#joined = null;
        // One tab signing in again is enough: the others are told of its token.
        const code = end.code === "unauthenticated" ? "unavailable" : end.code;
        this.#say({ say: "ended", end: { ...end, code } });
        listener.ended(end);
      },
    });
    return () => {
      close();
      if (this.#joined) this.#say({ say: "ended", end: moved });
      this.#joined = null;
    };
  }

  #follow(token: string, start: Start, listener: Listener): () => void {
    const timer = setTimeout(() => this.#steal(), patience);
    const follower = new Follower(listener, start, (place) => this.#own.list(token, place), () => clearTimeout(timer));
    this.#follower = follower;
    this.#say({ say: "ask", from: this.#id, visible: this.#world.visible() });
    return () => {
      clearTimeout(timer); // or it would take the lead for nothing
      follower.close();
      if (this.#follower === follower) this.#follower = null;
    };
  }

  #hear(word: Word): void {
    if (word.say === "ask") {
      if (this.#leading) this.#answer(word.from, word.visible);
      return;
    }
    if (this.#leading || ("to" in word && word.to !== null && word.to !== this.#id)) return;
    switch (word.say) {
      case "wait":
        this.#follower?.wait();
        return;
      case "joined":
        this.#follower?.joined(word.frame, word.to === null);
        return;
      case "frame":
        this.#follower?.frame(word.frame);
        return;
      case "ended":
        this.#follower?.end(word.end);
        return;
      case "leads":
        this.#move();
    }
  }

  #answer(to: string, visible: boolean): void {
    if (this.#joined) this.#say({ say: "joined", to, frame: this.#joined });
    else this.#say({ say: "wait", to });
    // In the background this tab's timers are slow, so it may not have noticed
    // yet that its stream is dead, or that it is time to try again.
    if (visible) this.#own.wake();
  }
}

/** Where the room stands after an event: not where it stood when the stream began. */
function since(joined: Joined, body: Body): Joined {
  if ("members" in body) return { ...joined, members: body.members };
  return body.kind === "roomChanged" ? { ...joined, displayName: body.displayName, topic: body.topic } : joined;
}

/** A stream made of another tab's stream, and of the history before it. */
class Follower {
  /** Frames that came during the catching up; null once it is over. */
  #held: Frame[] | null = null;
  #phase: "asking" | "following" | "over" = "asking";

  constructor(
    readonly listener: Listener,
    readonly start: Start,
    readonly list: (place: Place) => Promise<Page>,
    /** There is a leader. */
    readonly answered: () => void,
  ) {}

  close(): void {
    this.#phase = "over";
  }

  wait(): void {
    this.answered();
  }

  joined(frame: Frame, toAll: boolean): void {
    this.answered();
    if (this.#phase === "following" && toAll) this.frame(frame); // the leader has reconnected
    if (this.#phase !== "asking") return;
    this.#phase = "following";
    this.#held = [];
    this.listener.frame(frame);
    // The leader's stream has said so when it began.
    if (!toAll) this.listener.frame({ kind: "roomsChanged", rooms: [], removed: [], incomplete: true });
    this.#catchUp().catch((failure: Failure) => this.#over(failure));
  }

  frame(frame: Frame): void {
    if (this.#phase !== "following") return;
    if (this.#held) this.#held.push(frame);
    else this.listener.frame(frame);
  }

  end(end: End): void {
    // While asking, a leader that opens its stream anew is what is waited for.
    if (this.#phase === "following" || !end.moved) this.#over(end);
  }

  #over(end: End): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.listener.ended(end);
  }

  /** Reads what the leader's stream does not repeat: everything up to now. */
  async #catchUp(): Promise<void> {
    try {
      await this.#read();
    } catch (reason) {
      const { code } = reason as Failure;
      if (code === "out_of_range") await this.#reset();
      else if (code !== "not_found") throw reason; // in a new room there is nothing to read
    }
    this.#tell({ kind: "caughtUp" });
    const held = this.#held ?? [];
    this.#held = null;
    held.forEach((frame) => this.#tell(frame));
  }

  async #read(): Promise<void> {
    let place: Place = "after" in this.start ? { after: this.start.after } : null;
    for (;;) {
      const page: Page = await this.list(place);
      page.events.forEach((event) => this.#tell({ kind: "event", event }));
      if (place === null || !page.more || this.#phase === "over") return;
      place = { after: page.next };
    }
  }

  async #reset(): Promise<void> {
    const { epoch, next } = await this.list(null);
    this.#tell({ kind: "reset", epoch, head: next.sequence });
  }

  #tell(frame: Frame): void {
    if (this.#phase !== "over") this.listener.frame(frame);
  }
}
