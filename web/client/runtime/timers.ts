import { clock } from "./clock";

/** Timers by name. Browsers delay those of hidden pages, by up to a minute: runDue catches up. */
export class Timers<Name extends string> {
  readonly #fire: (name: Name) => void;
  readonly #running = new Map<Name, { readonly handle: ReturnType<typeof setTimeout>; readonly at: number }>();

  constructor(fire: (name: Name) => void) {
    this.#fire = fire;
  }

  /** Starts a timer, in place of the one with the same name. */
  start(name: Name, after: number): void {
    this.stop(name);
    const handle = setTimeout(() => {
      this.#running.delete(name);
      this.#fire(name);
    }, after);
    this.#running.set(name, { handle, at: clock() + after });
  }

  stop(name: Name): void {
    clearTimeout(this.#running.get(name)?.handle);
    this.#running.delete(name);
  }

  stopAll(): void {
    for (const name of [...this.#running.keys()]) this.stop(name);
  }

  /** Fires the timers that are due. */
  runDue(): void {
    const now = clock();
    const due = [...this.#running].filter(([, { at }]) => at <= now);
    for (const [name] of due) this.runNow(name);
  }

  /** Fires a timer before it is due, if it is running. */
  runNow(name: Name): void {
    if (!this.#running.has(name)) return;
    this.stop(name);
    this.#fire(name);
  }
}
