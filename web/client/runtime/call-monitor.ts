import { failureOf, isUnanswered } from "../failure";

/** How long a call may wait for its answer before that shows, in milliseconds. */
const slowAfter = 2_000;

/** Reports whether calls are answered. */
export class CallMonitor {
  readonly #report: (type: "callUnanswered" | "callAnswered") => void;
  #isReported = false;

  constructor(report: (type: "callUnanswered" | "callAnswered") => void) {
    this.#report = report;
  }

  /** Returns the result of a call. */
  async watch<T>(call: Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#unanswered(), slowAfter);
    try {
      const value = await call;
      this.#answered();
      return value;
    } catch (reason) {
      if (isUnanswered(failureOf(reason))) this.#unanswered();
      else this.#answered();
      throw reason;
    } finally {
      clearTimeout(timer);
    }
  }

  #unanswered(): void {
    this.#isReported = true;
    this.#report("callUnanswered");
  }

  #answered(): void {
    if (!this.#isReported) return;
    this.#isReported = false;
    this.#report("callAnswered");
  }
}
