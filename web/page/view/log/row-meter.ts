import type { RowLayout } from "../../state/row-layout";

/** Measures rows when they are drawn, and calls back when the height of one changes, or the size of the view. */
export class RowMeter {
  readonly #layout: RowLayout;
  /** The rows that are drawn, with their keys. */
  readonly #rows = new Map<Element, string>();
  readonly #observer: ResizeObserver;

  constructor(layout: RowLayout, onResize: () => void) {
    this.#layout = layout;
    this.#observer = new ResizeObserver((entries) => {
      // Each row is reported once more when it begins to be observed.
      const isNews = ({ target }: ResizeObserverEntry) => {
        const key = this.#rows.get(target);
        return key === undefined || this.#layout.setHeight(key, heightOf(target));
      };
      if (entries.some(isNews)) onResize();
    });
  }

  observeView(box: Element): void {
    this.#observer.observe(box);
  }

  /** Measures the rows that are drawn, which have these keys from an index on. */
  measure(rows: HTMLCollection, keys: readonly string[], first: number): void {
    const drawn = new Set<Element>(rows);
    for (const row of this.#rows.keys()) {
      if (drawn.has(row)) continue;
      this.#observer.unobserve(row);
      this.#rows.delete(row);
    }
    let index = first;
    for (const row of drawn) {
      const key = keys[index++] ?? "";
      this.#layout.setHeight(key, heightOf(row));
      if (!this.#rows.has(row)) this.#observer.observe(row);
      this.#rows.set(row, key);
    }
  }

  stop(): void {
    this.#observer.disconnect();
  }
}

function heightOf(row: Element): number {
  return row.getBoundingClientRect().height;
}
