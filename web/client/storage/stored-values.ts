// Values in localStorage or sessionStorage, which may be full, or not allowed: then even reading the
// property of the window throws.

/** A value that could not be stored. */
interface Unstored {
  /** Null for a value that could not be removed. */
  readonly value: string | null;
  /** What is stored in its place. */
  readonly instead: string | null;
}

/** Values by their keys, as a Storage has them. One that can't be stored lasts as long as the program, or until another tab stores one. */
export class StoredValues {
  readonly #area: () => Storage;
  readonly #unstored = new Map<string, Unstored>();

  /** area is called for each access. */
  constructor(area: () => Storage) {
    this.#area = area;
  }

  /** Returns a value, null if there is none. */
  getItem(key: string): string | null {
    const stored = this.#read(key);
    const unstored = this.#unstored.get(key);
    if (unstored?.instead === stored) return unstored.value;
    this.#unstored.delete(key);
    return stored;
  }

  setItem(key: string, value: string): void {
    this.#change(key, value, (area) => area.setItem(key, value));
  }

  removeItem(key: string): void {
    this.#change(key, null, (area) => area.removeItem(key));
  }

  #change(key: string, value: string | null, act: (area: Storage) => void): void {
    try {
      act(this.#area());
      this.#unstored.delete(key);
    } catch {
      this.#unstored.set(key, { value, instead: this.#read(key) });
    }
  }

  #read(key: string): string | null {
    try {
      return this.#area().getItem(key);
    } catch {
      return null;
    }
  }
}

/** The values that all tabs of the browser have. */
export const localValues = new StoredValues(() => localStorage);
/** The values of this tab, which outlive a reload. */
export const tabValues = new StoredValues(() => sessionStorage);
