import type { Effect, Env, Transition } from "../state/effect";
import { isLive, roomPhase } from "../state/feed";
import { countMissing } from "../state/message-count";
import type { PresenceContext } from "../state/presence";
import type { QuoteContext } from "../state/quotes";
import type { SessionState } from "../state/session-state";

/**
 * One step of a session. It collects the effects, and gives the parts of the state
 * what they read of each other. Only the session has it: a part of the state never
 * writes to another one.
 */
export class Step {
  readonly env: Env;
  readonly effects: Effect[] = [];
  #state: SessionState;

  constructor(state: SessionState, env: Env) {
    this.#state = state;
    this.env = env;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Replaces one part of the state and keeps the effects of the transition. */
  apply<P extends keyof SessionState>(part: P, [next, ...effects]: Transition<SessionState[P]>): void {
    this.set(part, next);
    this.emit(...effects);
  }

  /**
   * Replaces one part of the state by a value that its module returned. The session
   * itself owns room, profile, rights, cursor, viewport and unread.
   */
  set<P extends keyof SessionState>(part: P, next: SessionState[P]): void {
    if (this.#state[part] !== next) this.#state = { ...this.#state, [part]: next };
  }

  emit(...effects: Effect[]): void {
    this.effects.push(...effects);
  }

  /** Shows the phase of the room as that of the connection. */
  settlePhase(): void {
    const { connection, feed } = this.#state;
    const phase = roomPhase(feed);
    const failure = feed.refusal ?? connection.failure;
    if (phase !== connection.phase || failure !== connection.failure) {
      this.set("connection", { ...connection, phase, failure });
    }
  }

  /** Counts the messages before the timeline that are not retained, as soon as that is possible. */
  settleCount(): void {
    const { feed, history, timeline, counts, cursor } = this.#state;
    if (isLive(feed) && history.phase === "idle") this.set("timeline", countMissing(timeline, counts, cursor));
  }

  get presenceContext(): PresenceContext {
    const { feed, viewport } = this.#state;
    return { active: feed.state !== null && viewport.visible, now: this.env.now };
  }

  get quoteContext(): QuoteContext {
    const { timeline, cursor } = this.#state;
    return { timeline, cursor };
  }
}
