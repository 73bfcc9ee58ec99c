/** How many times in a row a list is drawn again. */
export const mostInARow = 10;

/**
 * Limits how often a list is drawn again because of what it has measured when it was drawn: once in a
 * frame, and so many times in a row. Without that, a layout that does not settle would stop the page.
 */
export class RedrawLimit {
  readonly #again: () => void;
  /** The request that ends the frame in which the list was drawn again; 0 for none. */
  #frame = 0;
  #isRefused = false;
  #inARow = 0;

  /** again is called in the frame after one in which the list was not allowed to be drawn once more. */
  constructor(again: () => void) {
    this.#again = again;
  }

  /** Returns whether the list may be drawn again now. */
  take(): boolean {
    if (this.#inARow >= mostInARow) return false;
    if (this.#frame !== 0) {
      this.#isRefused = true;
      return false;
    }
    this.#inARow++;
    this.#frame = requestAnimationFrame(() => this.#endFrame());
    return true;
  }

  /** The list need not be drawn again, or it must be for another reason. */
  reset(): void {
    this.#inARow = 0;
  }

  stop(): void {
    cancelAnimationFrame(this.#frame);
  }

  #endFrame(): void {
    this.#frame = 0;
    if (!this.#isRefused) return;
    this.#isRefused = false;
    this.#again();
  }
}
