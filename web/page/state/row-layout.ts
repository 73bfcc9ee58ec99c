// Where the rows of a long list are, when only those in view are drawn: a row that
// was drawn has the height that it had, and any other one the usual height.

/** The height of a row before any row was measured, in pixels. */
const firstGuess = 40;

/** A part of the rows: from first up to, but not including, end. */
export interface RowRange {
  readonly first: number;
  readonly end: number;
}

export class RowLayout {
  #keys: readonly string[] = [];
  #indexes: Map<string, number> | null = null;
  #heights = new Map<string, number>();
  /** The sum of all heights in the map. */
  #sum = 0;
  /** Where each row begins, and where the last one ends; empty when a height has changed. */
  #offsets: number[] = [];

  get count(): number {
    return this.#keys.length;
  }

  /** The height of all rows. */
  get total(): number {
    return this.offset(this.count);
  }

  /** Replaces the rows. Heights are kept by key, for as long as there are not far more of them than rows. */
  setKeys(keys: readonly string[]): void {
    this.#keys = keys;
    this.#indexes = null;
    this.#offsets = [];
    if (this.#heights.size <= 2 * keys.length + 1_000) return;
    const kept = new Map<string, number>();
    for (const key of keys) {
      const height = this.#heights.get(key);
      if (height !== undefined) kept.set(key, height);
    }
    this.#heights = kept;
    this.#sum = [...kept.values()].reduce((sum, height) => sum + height, 0);
  }

  /** The row with a key was measured. Returns whether its height is another one than it was. */
  setHeight(key: string, height: number): boolean {
    const before = this.#heights.get(key);
    if (before === height) return false;
    this.#heights.set(key, height);
    this.#sum += height - (before ?? 0);
    this.#offsets = [];
    return true;
  }

  /** Returns the index of the row with a key, -1 if there is none. */
  indexOf(key: string): number {
    this.#indexes ??= new Map(this.#keys.map((k, i) => [k, i]));
    return this.#indexes.get(key) ?? -1;
  }

  /** Returns where the row with an index begins. */
  offset(index: number): number {
    if (this.#offsets.length !== this.count + 1) this.#measure();
    return this.#offsets[index] ?? 0;
  }

  /** Returns the index of the row at a position; the nearest row for a position before or after all. */
  indexAt(position: number): number {
    let low = 0;
    for (let high = this.count - 1; low < high; ) {
      const middle = (low + high + 1) >> 1;
      if (this.offset(middle) <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Returns the rows between two positions, partly visible ones included. */
  range(top: number, bottom: number): RowRange {
    if (this.count === 0) return { first: 0, end: 0 };
    return { first: this.indexAt(top), end: this.indexAt(bottom) + 1 };
  }

  #measure(): void {
    const usual = this.#heights.size > 0 ? this.#sum / this.#heights.size : firstGuess;
    const offsets = [0];
    let end = 0;
    for (const key of this.#keys) {
      end += this.#heights.get(key) ?? usual;
      offsets.push(end);
    }
    this.#offsets = offsets;
  }
}
