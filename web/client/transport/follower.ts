import { failureOf } from "../failure";
import type { EventsPage, Frame, JoinedFrame, PagePosition, Start, StreamEnd } from "../model";
import type { StreamListener } from "./room-service";

type ListEvents = (position: PagePosition) => Promise<EventsPage>;

/** A stream that consists of the history after its start, and of the frames of another tab's stream. */
export class Follower {
  readonly #start: Start;
  readonly #listener: StreamListener;
  readonly #listEvents: ListEvents;
  readonly #onAnswer: () => void;
  #phase: "requested" | "following" | "over" = "requested";
  /** The frames that came while the history is being read; null after that. */
  #held: Frame[] | null = null;

  /** onAnswer is called when the leader answers. */
  constructor(start: Start, listener: StreamListener, listEvents: ListEvents, onAnswer: () => void) {
    this.#start = start;
    this.#listener = listener;
    this.#listEvents = listEvents;
    this.#onAnswer = onAnswer;
  }

  close(): void {
    this.#phase = "over";
  }

  /** The leader's stream is not joined yet. */
  wait(): void {
    this.#onAnswer();
  }

  /** The leader's stream is joined. isToAll: it was joined just now. */
  joined(frame: JoinedFrame, isToAll: boolean): void {
    this.#onAnswer();
    if (this.#phase === "following" && isToAll) this.frame(frame); // the leader has reconnected
    if (this.#phase !== "requested") return;
    this.#phase = "following";
    this.#held = [];
    this.#listener.frame(frame);
    // A stream that was joined earlier does not repeat its first frame of this kind.
    if (!isToAll) this.#listener.frame({ kind: "roomsChanged", rooms: [], removed: [], incomplete: true });
    this.#catchUp().catch((reason: unknown) => {
      const { code, message } = failureOf(reason);
      this.#finish({ code, message });
    });
  }

  frame(frame: Frame): void {
    if (this.#phase !== "following") return;
    if (this.#held) this.#held.push(frame);
    else this.#listener.frame(frame);
  }

  end(end: StreamEnd): void {
    // Before the answer, a leader that opens another stream will still answer.
    if (this.#phase === "following" || !end.moved) this.#finish(end);
  }

  #finish(end: StreamEnd): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#listener.ended(end);
  }

  /** Reads the events that the leader's stream does not repeat. */
  async #catchUp(): Promise<void> {
    try {
      await this.#readHistory();
    } catch (reason) {
      const { code } = failureOf(reason);
      if (code === "out_of_range") await this.#reset();
      else if (code !== "not_found") throw reason; // a new room has no history
    }
    this.#deliver({ kind: "caughtUp" });
    const held = this.#held ?? [];
    this.#held = null;
    for (const frame of held) this.#deliver(frame);
  }

  async #readHistory(): Promise<void> {
    let position: PagePosition = "after" in this.#start ? { after: this.#start.after } : null;
    for (;;) {
      const { events, more, next }: EventsPage = await this.#listEvents(position);
      for (const event of events) this.#deliver({ kind: "event", event });
      if (position === null || !more || this.#phase === "over") return;
      position = { after: next };
    }
  }

  async #reset(): Promise<void> {
    const { epoch, next } = await this.#listEvents(null);
    this.#deliver({ kind: "reset", epoch, head: next.sequence });
  }

  #deliver(frame: Frame): void {
    if (this.#phase !== "over") this.#listener.frame(frame);
  }
}
