// One connection for all tabs of a browser. Over HTTP/1.1 a browser opens six connections
// to a server, and every stream occupies one: with six streams, nothing could be sent.
// Therefore one tab leads: it runs the hub, and tells the others what the stream brings.
//
// A tab that follows depends little on the leader being right: the session of each room
// checks every event against the one before it, and reads what it has missed.

import type { News } from "../hub/effect";
import type { HubState } from "../hub/hub-state";
import type { Request, Want } from "../hub/input";
import type { OutboxEntry } from "../hub/outbox-entry";
import { clock } from "./clock";
import { Election } from "./election";
import type { HubListener, HubRunner } from "./hub-runner";
import { protocolVersion, type Shared, type TabBrowser, type TabChannel, type TabMessage } from "./tab-message";

/** How long a leader may take to answer before another tab takes the lead, in milliseconds. */
export const leaderTimeout = 1_500;
/** How often a visible tab makes sure that the leader answers, in milliseconds. */
const pingInterval = 3_000;

export interface TabsListener {
  news(news: News): void;
  /** What the tabs share has changed. */
  changed(shared: Shared): void;
}

export interface TabsOptions {
  readonly id: string;
  /** What the tabs that share a connection have in common. */
  readonly name: string;
  /** Null for a program without tabs. */
  readonly browser: TabBrowser | null;
  readonly startHub: (listener: HubListener) => HubRunner;
  /** What to show before the leader has said anything. */
  readonly initial: Shared;
  /** The rooms that this tab wants. */
  readonly wants: () => readonly Want[];
}

/** One tab's part in the connection. */
export class Tabs {
  shared: Shared;
  readonly #options: TabsOptions;
  readonly #listener: TabsListener;
  readonly #channel: TabChannel | null = null;
  readonly #election: Election | null = null;
  /** While leading. */
  #hub: HubRunner | null = null;
  /** The requests that the leader has not answered. */
  readonly #open = new Map<number, { readonly request: Request | null; readonly since: number }>();
  #number = 0;
  /** Whether a message of another tab has come. Each tab sends one to its leader: before that, a leader is alone. */
  #hasOthers = false;
  /** What this tab has sent, and a leader has not taken yet. */
  readonly #sending = new Map<number, OutboxEntry>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  #closed = false;

  constructor(options: TabsOptions, listener: TabsListener) {
    this.#options = options;
    this.#listener = listener;
    this.shared = options.initial;
    const { browser, id, name } = options;
    if (!browser) return;
    const fullName = `chatroom.tabs.${protocolVersion}.${name}`;
    this.#channel = browser.channel(fullName);
    if (!this.#channel) return;
    this.#channel.onmessage = ({ data }) => this.#receive(data as TabMessage);
    this.#election = new Election(id, fullName, browser, {
      post: (message) => this.#post(message),
      lead: () => this.#lead(),
      follow: () => this.#follow(),
    });
  }

  start(): void {
    if (this.#election) this.#election.start();
    else this.#lead();
  }

  /** Whether this tab leads. */
  get leads(): boolean {
    return this.#hub !== null;
  }

  /** This tab wants other rooms than before. */
  wantsChanged(): void {
    this.request(this.#want());
  }

  /** Asks the leader, now or as soon as there is one. */
  request(request: Request): void {
    if (this.#closed) return;
    if (this.#hub) {
      this.#hub.dispatch(request);
      return;
    }
    this.#ask(request);
    if (request.type === "send") this.#changed();
  }

  /** Makes sure that the leader answers, as when the tab becomes visible. */
  checkLeader(): void {
    if (!this.#hub && !this.#closed) this.#ask(null);
  }

  /** Leaves the rooms, and the lead to another tab. */
  close(): void {
    if (this.#closed) return;
    this.request({ type: "want", tab: this.#options.id, rooms: [] });
    this.#hub?.close();
    this.#election?.close();
    this.#closed = true;
    this.#hub = null;
    if (this.#timer) clearTimeout(this.#timer);
    this.#channel?.close();
  }

  #want(): Request {
    return { type: "want", tab: this.#options.id, rooms: this.#options.wants() };
  }

  #post(message: TabMessage): void {
    if (!this.#closed) this.#channel?.postMessage(message);
  }

  /** Tells the tabs that follow. */
  #tell(message: TabMessage): void {
    if (this.#hasOthers) this.#post(message);
  }

  #lead(): void {
    this.#hub?.close();
    this.#hub = this.#options.startHub({
      news: (news) => this.#publish(news),
      changed: (state) => this.#hubChanged(state),
    });
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#sending.clear();
    this.#hub.dispatch(this.#want());
    this.#hub.subscribeNow();
    for (const { request } of open) if (request && request.type !== "want") this.#hub.dispatch(request);
  }

  #follow(): void {
    const hub = this.#hub;
    hub?.close();
    this.#hub = null;
    this.#introduce();
    // The other leader may have read the outbox before this one has stored something.
    void hub?.stored().then(() => this.request({ type: "outboxStored" }));
  }

  /** Tells a leader what this tab wants, and what it has asked of the one before. */
  #introduce(): void {
    const open = [...this.#open.values()];
    this.#open.clear();
    this.#sending.clear();
    this.#ask(this.#want());
    for (const { request } of open) if (request && request.type !== "want") this.#ask(request);
  }

  #ask(request: Request | null): void {
    const number = ++this.#number;
    this.#open.set(number, { request, since: clock() });
    if (request?.type === "send") this.#sending.set(number, request.entry);
    this.#post({ type: "request", from: this.#options.id, number, term: this.#election?.term ?? 0, request });
    this.#watchLeader();
  }

  /** Takes the lead if the leader does not answer. A visible tab asks it from time to time. */
  #watchLeader(): void {
    if (this.#timer || this.#hub || this.#closed) return;
    const isWaiting = this.#open.size > 0;
    const started = clock();
    const after = isWaiting ? leaderTimeout : pingInterval;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#hub || this.#closed) return;
      // A timer that is very late was not running: neither could this tab be answered.
      const wasAsleep = clock() - started > after + leaderTimeout;
      const [oldest] = this.#open.values();
      if (oldest && !wasAsleep && clock() - oldest.since >= leaderTimeout) this.#election?.takeOver();
      else if (!oldest && this.#options.browser?.visible()) this.#ask(null);
      this.#watchLeader();
    }, after);
  }

  #receive(message: TabMessage): void {
    if (this.#closed) return;
    this.#hasOthers = true;
    switch (message.type) {
      case "who":
      case "claim":
      case "leads":
      case "resigns":
        if (this.#election?.receive(message) && !this.#hub) this.#introduce();
        return;
      case "request":
        return this.#answer(message);
      case "done":
        if (message.to !== this.#options.id) return;
        this.#open.delete(message.number);
        if (this.#sending.delete(message.number)) this.#changed();
        return;
      case "shared":
        if (this.#isCurrent(message.term)) this.#takeShared(message.shared, message.now);
        return;
      case "news":
        if (this.#isCurrent(message.term) && isFor(message.news, this.#options.id)) this.#listener.news(message.news);
    }
  }

  #isCurrent(term: number): boolean {
    return !this.#hub && term >= (this.#election?.term ?? 0);
  }

  #answer({ from, number, term, request }: Extract<TabMessage, { type: "request" }>): void {
    if (!this.#hub || term > (this.#election?.term ?? 0)) return;
    // Timers are slow in a hidden tab: it may not have noticed yet that its stream is
    // dead, or that it is time for the next attempt.
    this.#hub.catchUp();
    if (request) this.#hub.dispatch(request);
    if (request?.type === "want" && this.#election) this.#postShared(this.shared);
    this.#post({ type: "done", to: from, number });
  }

  #publish(news: News): void {
    const { id } = this.#options;
    if (!("to" in news) || news.to !== id) this.#tell({ type: "news", term: this.#election?.term ?? 0, news });
    if (isFor(news, id)) this.#listener.news(news);
  }

  #hubChanged({ auth, connection, outbox }: HubState): void {
    const { shared } = this;
    const isSame =
      shared.auth === auth && shared.entries === outbox.entries && isSameConnection(shared.connection, connection);
    this.shared = { auth, connection, entries: outbox.entries };
    if (isSame) return;
    this.#postShared(this.shared);
    this.#listener.changed(this.shared);
  }

  #postShared(shared: Shared): void {
    this.#tell({ type: "shared", term: this.#election?.term ?? 0, now: clock(), shared });
  }

  /** Times of the leader become times of this tab, whose clock may be ahead or behind. */
  #takeShared({ auth, connection, entries }: Shared, now: number): void {
    const behind = clock() - now;
    this.shared = { auth, entries, connection: { ...connection, retryAt: connection.retryAt + behind } };
    this.#changed();
  }

  /** Shows what this tab sends before the leader has it. */
  #changed(): void {
    const { entries } = this.shared;
    const missing = [...this.#sending.values()].filter(({ id }) => !entries.some((e) => e.id === id));
    this.#listener.changed(missing.length === 0 ? this.shared : { ...this.shared, entries: [...entries, ...missing] });
  }
}

function isFor(news: News, tab: string): boolean {
  return !("to" in news) || news.to === null || news.to === tab;
}

/** Whether two connections look the same from outside the hub. */
function isSameConnection(a: HubState["connection"], b: HubState["connection"]): boolean {
  if (a === b) return true;
  const hidden = { lastFrameAt: 0, probe: 0, probedAt: 0 };
  const [x, y] = [
    { ...a, ...hidden },
    { ...b, ...hidden },
  ];
  return (Object.keys(x) as (keyof typeof x)[]).every((key) => x[key] === y[key]);
}
