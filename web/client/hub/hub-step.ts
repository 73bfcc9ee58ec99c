import type { Effect, Env, News, Transition } from "./effect";
import type { HubState } from "./hub-state";

/**
 * One step of the hub. It collects the effects. Only the hub has it: a part of the
 * state never writes to another one.
 */
export class HubStep {
  readonly env: Env;
  readonly effects: Effect[] = [];
  #state: HubState;

  constructor(state: HubState, env: Env) {
    this.#state = state;
    this.env = env;
  }

  get state(): HubState {
    return this.#state;
  }

  /** Replaces one part of the state and keeps the effects of the transition. */
  apply<P extends keyof HubState>(part: P, [next, ...effects]: Transition<HubState[P]>): void {
    this.set(part, next);
    this.emit(...effects);
  }

  /** Replaces one part of the state by a value that its module returned. */
  set<P extends keyof HubState>(part: P, next: HubState[P]): void {
    if (this.#state[part] !== next) this.#state = { ...this.#state, [part]: next };
  }

  emit(...effects: Effect[]): void {
    this.effects.push(...effects);
  }

  publish(news: News): void {
    this.emit({ type: "publish", news });
  }

  /** The token, empty if there is none. */
  get token(): string {
    return this.#state.auth.identity?.token ?? "";
  }
}
