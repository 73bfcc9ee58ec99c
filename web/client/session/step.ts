import { isJoined } from "../state/connection";
import type { Effect, Env, Transition } from "../state/effect";
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
    this.#state = { ...this.#state, [part]: next };
  }

  emit(...effects: Effect[]): void {
    this.effects.push(...effects);
  }

  /** The token, empty if there is none. */
  get token(): string {
    return this.#state.auth.identity?.token ?? "";
  }

  get presenceContext(): PresenceContext {
    const { connection, viewport } = this.#state;
    return { active: isJoined(connection) && viewport.visible, token: this.token, now: this.env.now };
  }

  get quoteContext(): QuoteContext {
    const { timeline, cursor } = this.#state;
    return { timeline, cursor, token: this.token };
  }
}
