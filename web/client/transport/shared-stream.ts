// One stream for all tabs of a room. Over HTTP/1.1 a browser opens six connections
// to a server, and every stream occupies one: with six tabs open, nothing could be
// sent. Therefore the tab that holds a lock leads: it has the stream and repeats its
// frames to the others, which read what came before from the history.
//
// A following tab does not depend on the leader being right: its session checks
// every event against the one before it, as it does with a stream of its own.

import type { Body, EventsPage, Frame, JoinedFrame, PagePosition, Start, StreamEnd } from "../model";
import { Follower } from "./follower";
import type { OpenStream, StreamListener } from "./room-service";

/** How long a leader may take to answer before another tab takes the lead, in milliseconds. */
export const leaderTimeout = 3_000;

const moved: StreamEnd = { code: "unavailable", message: "Another tab has the stream now.", moved: true };

/** The tabs' protocol. Its version is part of the channel's name: tabs may run different builds of the page. */
type TabMessage =
  /** A tab wants to follow. A visible one should not wait long. */
  | { readonly type: "follow"; readonly from: string; readonly visible: boolean }
  /** The leader answers that its stream is not joined yet. */
  | { readonly type: "wait"; readonly to: string }
  /** The stream is joined: to all tabs, or in answer to one. */
  | { readonly type: "joined"; readonly to: string | null; readonly frame: JoinedFrame }
  | { readonly type: "frame"; readonly frame: Frame }
  | { readonly type: "ended"; readonly end: StreamEnd }
  /** There is a new leader. */
  | { readonly type: "newLeader" };

/** The parts of the browser that sharing needs. */
export interface SharedStreamBrowser {
  readonly locks: Pick<LockManager, "request">;
  readonly channel: (name: string) => Pick<BroadcastChannel, "postMessage" | "close" | "onmessage">;
  readonly visible: () => boolean;
}

/** What a tab can do on its own. */
export interface TabService {
  readonly openStream: OpenStream;
  readonly listEvents: (token: string, position: PagePosition) => Promise<EventsPage>;
  /** A visible tab asks for the stream: if it is dead, the session should reconnect now. */
  readonly wake: () => void;
}

/** Whether this browser can share streams. Over plain http to other machines there are no locks. */
export function canShareStreams(): boolean {
  return globalThis.navigator?.locks !== undefined && typeof BroadcastChannel === "function";
}

/** One tab's part in sharing a room's stream. */
export class SharedStream {
  readonly #name: string;
  readonly #service: TabService;
  readonly #browser: SharedStreamBrowser;
  readonly #channel: ReturnType<SharedStreamBrowser["channel"]>;
  readonly #id = Math.random().toString(36).slice(2);
  #leading = false;
  #releaseLock: (() => void) | null = null;
  #lockRequest: AbortController | null = null;
  #closed = false;
  /** The stream of this tab's session. */
  #current: { readonly listener: StreamListener; readonly close: () => void } | null = null;
  #follower: Follower | null = null;
  /** While leading: the first frame of the stream, once it was received. */
  #joined: JoinedFrame | null = null;

  constructor(room: string, service: TabService, browser: SharedStreamBrowser) {
    this.#name = `chatroom.stream.2.${room}`;
    this.#service = service;
    this.#browser = browser;
    this.#channel = browser.channel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#receive(data as TabMessage);
    this.#waitForLock();
  }

  readonly open: OpenStream = (token, start, listener) => {
    const close = this.#leading ? this.#lead(token, start, listener) : this.#follow(token, start, listener);
    const current = { listener, close };
    this.#current = current;
    return () => {
      if (this.#current === current) this.#current = null;
      close();
    };
  };

  /** Leaves the lead, if this tab has it, to another one. */
  close(): void {
    this.#closed = true;
    this.#current?.close();
    this.#current = null;
    this.#lockRequest?.abort();
    this.#releaseLock?.();
    this.#channel.close();
  }

  #post(message: TabMessage): void {
    if (!this.#closed) this.#channel.postMessage(message);
  }

  /** Waits for the lock, for as long as another tab holds it. */
  #waitForLock(): void {
    this.#lockRequest = new AbortController();
    this.#requestLock({ signal: this.#lockRequest.signal });
  }

  /** Takes the lock from a tab that does not answer, because the browser has suspended it. */
  #stealLock(): void {
    this.#lockRequest?.abort();
    this.#requestLock({ steal: true });
  }

  #requestLock(options: LockOptions): void {
    let isHeld = false;
    const hold = () => {
      isHeld = true;
      this.#becomeLeader();
      return new Promise<void>((release) => {
        this.#releaseLock = release;
      });
    };
    this.#browser.locks.request(this.#name, options, hold).catch((reason: unknown) => {
      if (this.#closed) return;
      if (isHeld) {
        this.#becomeFollower(); // another tab has stolen the lock
        this.#waitForLock();
      } else if (!(reason instanceof DOMException) || reason.name !== "AbortError") {
        this.#becomeLeader(); // the browser refuses locks here: every tab has its own stream
      }
    });
  }

  #becomeLeader(): void {
    this.#leading = true;
    this.#post({ type: "newLeader" });
    this.#reopen();
  }

  #becomeFollower(): void {
    this.#leading = false;
    this.#releaseLock = null;
    this.#joined = null;
    this.#reopen();
  }

  /** Makes the session open its stream again, in this tab's new role. */
  #reopen(): void {
    const current = this.#current;
    this.#current = null;
    current?.close();
    current?.listener.ended(moved);
  }

  #lead(token: string, start: Start, listener: StreamListener): () => void {
    const close = this.#service.openStream(token, start, {
      frame: (frame) => {
        if (frame.kind === "joined") {
          this.#joined = frame;
          this.#post({ type: "joined", to: null, frame });
        } else {
          if (this.#joined && frame.kind === "event") this.#joined = updateJoined(this.#joined, frame.event.body);
          this.#post({ type: "frame", frame });
        }
        listener.frame(frame);
      },
      ended: (end) => {
        this.#joined = null;
        // It is enough that the leader signs in again: the others receive its token.
        const code = end.code === "unauthenticated" ? "unavailable" : end.code;
        this.#post({ type: "ended", end: { ...end, code } });
        listener.ended(end);
      },
    });
    return () => {
      close();
      if (this.#joined) this.#post({ type: "ended", end: moved });
      this.#joined = null;
    };
  }

  #follow(token: string, start: Start, listener: StreamListener): () => void {
    const timer = setTimeout(() => this.#stealLock(), leaderTimeout);
    const follower = new Follower(
      start,
      listener,
      (position) => this.#service.listEvents(token, position),
      () => clearTimeout(timer),
    );
    this.#follower = follower;
    this.#post({ type: "follow", from: this.#id, visible: this.#browser.visible() });
    return () => {
      clearTimeout(timer);
      follower.close();
      if (this.#follower === follower) this.#follower = null;
    };
  }

  #receive(message: TabMessage): void {
    if (message.type === "follow") {
      if (this.#leading) this.#answer(message.from, message.visible);
      return;
    }
    if (this.#leading || ("to" in message && message.to !== null && message.to !== this.#id)) return;
    switch (message.type) {
      case "wait":
        return this.#follower?.wait();
      case "joined":
        return this.#follower?.joined(message.frame, message.to === null);
      case "frame":
        return this.#follower?.frame(message.frame);
      case "ended":
        return this.#follower?.end(message.end);
      case "newLeader":
        this.#reopen();
    }
  }

  #answer(to: string, isVisible: boolean): void {
    this.#post(this.#joined ? { type: "joined", to, frame: this.#joined } : { type: "wait", to });
    // Timers are slow in a background tab: it may not have noticed yet that its
    // stream is dead, or that it is time for the next attempt.
    if (isVisible) this.#service.wake();
  }
}

/** Keeps the state of the room current for tabs that follow later. */
function updateJoined(joined: JoinedFrame, body: Body): JoinedFrame {
  if ("members" in body) return { ...joined, members: body.members };
  return body.kind === "roomChanged" ? { ...joined, displayName: body.displayName, topic: body.topic } : joined;
}
