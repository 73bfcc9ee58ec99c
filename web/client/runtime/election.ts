// Which tab leads. Where there are locks, it is the one that holds the lock; elsewhere
// tabs claim the lead on the channel. In both cases terms order the leaders: one that
// hears of a greater term leads no longer. A tab that seems to be the only one leads at
// once, as locks and claims take a while: if another one leads, one of them soon follows.

import type { TabBrowser, TabMessage } from "./tab-message";

/** How long a tab listens for a leader before it claims the lead, in milliseconds. */
const listenTime = 120;
/** How long a claim waits for others, in milliseconds. */
const claimTime = 60;

export interface ElectionListener {
  readonly post: (message: TabMessage) => void;
  /** This tab leads from now on. */
  readonly lead: () => void;
  /** This tab leads no longer. */
  readonly follow: () => void;
}

/** One tab's part in the elections. */
export class Election {
  readonly #id: string;
  readonly #name: string;
  readonly #browser: TabBrowser;
  readonly #listener: ElectionListener;
  /** The greatest term that this tab has heard of. */
  term = 0;
  /** Who leads, empty if that is not known. */
  leader = "";
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isClaiming = false;
  #releaseLock: (() => void) | null = null;
  #lockRequest: AbortController | null = null;
  /** Whether the lock was requested, and not got yet. */
  #isWaiting = false;
  #hasLocks: boolean;
  #closed = false;

  constructor(id: string, name: string, browser: TabBrowser, listener: ElectionListener) {
    this.#id = id;
    this.#name = name;
    this.#browser = browser;
    this.#listener = listener;
    this.#hasLocks = browser.locks !== undefined;
  }

  get leads(): boolean {
    return this.leader === this.#id;
  }

  start(): void {
    const isAlone = !this.#browser.hasLeader.get();
    // With the rooms that the program joins in this task: their stream is opened at once.
    if (isAlone) queueMicrotask(() => this.#closed || this.leader !== "" || this.#lead(true));
    else this.#listener.post({ type: "who", from: this.#id });
    if (this.#hasLocks) this.#waitForLock();
    else if (!isAlone) this.#claimAfter(listenTime + Math.random() * listenTime);
  }

  /** The leader does not answer: this tab takes the lead. */
  takeOver(): void {
    if (this.leads) return;
    this.leader = "";
    if (!this.#hasLocks) return this.#claimAfter(this.#jitter());
    this.#lockRequest?.abort();
    this.#isWaiting = true;
    this.#requestLock({ steal: true });
  }

  /** Leaves the lead, if this tab has it, to another one. */
  close(): void {
    this.#closed = true;
    this.#stopClaim();
    if (this.leads) {
      this.#listener.post({ type: "resigns", from: this.#id, term: this.term });
      this.#browser.hasLeader.set(false);
    }
    this.leader = "";
    this.#lockRequest?.abort();
    this.#releaseLock?.();
  }

  /** Takes a message about the lead. It returns whether there is a new leader. */
  receive(message: Extract<TabMessage, { type: "who" | "claim" | "leads" | "resigns" }>): boolean {
    switch (message.type) {
      case "who":
        if (this.leads) this.#announce(false);
        return false;
      case "claim":
        return this.#otherClaims(message.from, message.term);
      case "leads":
        return this.#otherLeads(message.from, message.term);
      case "resigns":
        if (message.from !== this.leader) return false;
        this.leader = "";
        if (!this.#hasLocks) this.#claimAfter(this.#jitter());
        return false;
    }
  }

  #otherClaims(from: string, term: number): boolean {
    if (this.leads) {
      // The other tab has not heard of this one, unless it takes over.
      if (term <= this.term) this.#announce(false);
      return false;
    }
    if (this.#isClaiming && (term > this.term || (term === this.term && from < this.#id))) this.#stopClaim();
    this.term = Math.max(this.term, term);
    return false;
  }

  #otherLeads(from: string, term: number): boolean {
    if (term < this.term || (term === this.term && this.leads && this.#id < from)) {
      if (this.leads) this.#announce(true); // the other one has not heard of this one
      return false;
    }
    const led = this.leads;
    const isNew = from !== this.leader || term > this.term;
    this.#stopClaim();
    this.term = term;
    this.leader = from;
    if (led) {
      this.#releaseLock?.();
      this.#listener.follow();
      if (this.#hasLocks) this.#waitForLock();
    }
    return isNew;
  }

  /** Hidden tabs, whose timers are slow, leave the lead to visible ones. */
  #jitter(): number {
    return (this.#browser.visible() ? 0 : claimTime) + Math.random() * claimTime;
  }

  #claimAfter(delay: number): void {
    this.#stopClaim();
    this.#timer = setTimeout(() => {
      this.term++;
      this.#isClaiming = true;
      this.#listener.post({ type: "claim", from: this.#id, term: this.term });
      this.#timer = setTimeout(() => this.#lead(false), claimTime);
    }, delay);
  }

  #stopClaim(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isClaiming = false;
  }

  #lead(isNewTerm: boolean): void {
    this.#stopClaim();
    if (isNewTerm) this.term++;
    this.leader = this.#id;
    this.#browser.hasLeader.set(true);
    this.#announce(true);
    this.#listener.lead();
  }

  #announce(isNew: boolean): void {
    this.#listener.post({ type: "leads", from: this.#id, term: this.term, isNew });
  }

  /** Waits for the lock, for as long as another tab holds it. */
  #waitForLock(): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#lockRequest = new AbortController();
    this.#requestLock({ signal: this.#lockRequest.signal });
  }

  #requestLock(options: LockOptions): void {
    let isHeld = false;
    const hold = () => {
      if (this.#closed) return;
      isHeld = true;
      this.#isWaiting = false;
      if (!this.leads) this.#lead(true);
      return new Promise<void>((release) => {
        this.#releaseLock = release;
      });
    };
    this.#browser.locks?.request(this.#name, options, hold).catch((reason: unknown) => {
      if (this.#closed) return;
      const isAborted = reason instanceof DOMException && reason.name === "AbortError";
      if (isHeld) {
        if (this.leads) {
          this.leader = ""; // another tab has stolen the lock, and will say so
          this.#listener.follow();
        }
        this.#waitForLock();
      } else if (!isAborted) {
        this.#hasLocks = false; // the browser refuses locks here
        if (!this.leads) this.#claimAfter(listenTime);
      }
    });
  }
}
