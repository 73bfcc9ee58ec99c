/** A value that changes, in the form that React, Preact, Svelte and plain code can use. */
export interface Store<T> {
  /** Calls back after each change. The function that it returns ends that. */
  subscribe(onChange: () => void): () => void;
  /** The current value. It is never changed, only replaced, and the same object until it changes. */
  getSnapshot(): T;
}

/** The subscribers of a value. */
export class Subscribers {
  readonly #all = new Set<() => void>();

  add(onChange: () => void): () => void {
    const subscriber = () => onChange(); // the same function may subscribe twice
    this.#all.add(subscriber);
    return () => void this.#all.delete(subscriber);
  }

  notify(): void {
    for (const subscriber of [...this.#all]) callBack(subscriber);
  }
}

/**
 * Calls a function of the application. What it throws is reported as an uncaught exception:
 * to the client it makes no difference.
 */
export function callBack(act: () => void): void {
  try {
    act();
  } catch (reason) {
    if (typeof reportError === "function") reportError(reason);
    else
      queueMicrotask(() => {
        throw reason; // Node.js has no reportError
      });
  }
}

/** Returns a store of what a function computes from a value. It is computed again only when its inputs change. */
export function derived<S, T>(
  source: Store<S>,
  inputs: (value: S) => readonly unknown[],
  compute: (value: S) => T,
): Store<T> {
  let known: { readonly inputs: readonly unknown[]; readonly value: T } | null = null;
  const getSnapshot = () => {
    const value = source.getSnapshot();
    const now = inputs(value);
    if (!known || now.some((input, i) => input !== known?.inputs[i])) known = { inputs: now, value: compute(value) };
    return known.value;
  };
  return {
    getSnapshot,
    subscribe(onChange) {
      let before = getSnapshot();
      return source.subscribe(() => {
        const now = getSnapshot();
        if (now === before) return;
        before = now;
        onChange();
      });
    },
  };
}
