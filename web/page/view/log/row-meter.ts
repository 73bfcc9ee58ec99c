import type { RowLayout } from "../../state/row-layout";

/** Measures rows when they are drawn, and calls back when the height of one changes, or that of the view. */
export class RowMeter {
  readonly #layout: RowLayout;
  readonly #rows = new Set<Element>();
  readonly #observer: ResizeObserver;

  constructor(layout: RowLayout, onResize: () => void) {
    this.#layout = layout;
    this.#observer = new ResizeObserver(onResize);
  }

  observeView(box: Element): void {
    this.#observer.observe(box);
  }

  /** Measures the rows that are drawn, which have these keys from an index on. */
  measure(rows: HTMLCollection, keys: readonly string[], first: number): void {
    const drawn = new Set<Element>(rows);
    for (const row of this.#rows) {
      if (drawn.has(row)) continue;
      this.#observer.unobserve(row);
      this.#rows.delete(row);
    }
    let index = first;
    for (const row of drawn) {
      const key = keys[index++];
      if (key !== undefined) this.#layout.setHeight(key, row.getBoundingClientRect().height);
      if (this.#rows.has(row)) continue;
      this.#rows.add(row);
      this.#observer.observe(row);
    }
  }

  stop(): void {
    this.#observer.disconnect();
  }
}
