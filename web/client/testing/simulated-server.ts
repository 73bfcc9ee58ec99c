// For tests: what a server does, as far as a client can tell.

import type { Cursor, Event, EventsPage, Frame, Member, PagePosition, Receipt, SendBody, Start } from "../model";

/** The log of a room. */
interface Log {
  epoch: string;
  /** Every event of the epoch, also those that are not retained any more. */
  all: Event[];
  /** The index of the oldest retained event. */
  first: number;
}

/** Rooms whose logs can lose their beginning, or be replaced. */
export class SimulatedServer {
  readonly logs = new Map<string, Log>();
  readonly #random: () => number;
  /** Every log that a room ever had, by epoch. */
  readonly epochs = new Map<string, Log>();

  constructor(rooms: readonly string[], random: () => number) {
    this.#random = random;
    for (const room of rooms) this.replace(room);
  }

  /** The room gets a new, empty log. */
  replace(room: string): void {
    const log = { epoch: `${room}-${this.epochs.size}`, all: [], first: 0 };
    this.epochs.set(log.epoch, log);
    this.logs.set(room, log);
  }

  /** The oldest events of the room are not retained any more. */
  trim(room: string): void {
    const log = this.log(room);
    log.first += Math.floor(this.#random() * (log.all.length - log.first + 1));
  }

  /** Stores an event, unless its sender has used the id. */
  append(room: string, id: string, sender: Member, body: SendBody, time: number): Receipt {
    const { epoch, all } = this.log(room);
    const stored = all.find((e) => e.id === id && e.sender.id === sender.id);
    const last = all.at(-1)?.sequence ?? 0n;
    const sequence = stored?.sequence ?? last + 1n + BigInt(Math.floor(this.#random() * 3));
    if (!stored) all.push({ room, sequence, previous: 0n, time, id, sender, body, changes: null });
    return { epoch, sequence, time };
  }

  log(room: string): Log {
    const log = this.logs.get(room);
    if (!log) throw new Error(`there is no room ${room}`);
    return log;
  }

  head(room: string): bigint {
    return this.log(room).all.at(-1)?.sequence ?? 0n;
  }

  /** The retained events after a sequence, each with the one before it as of now. */
  after(room: string, sequence: bigint): Event[] {
    const { all, first } = this.log(room);
    const retained = all.slice(first);
    return retained
      .map((e, i) => ({ ...e, previous: retained[i - 1]?.sequence ?? 0n }))
      .filter((e) => e.sequence > sequence);
  }

  /** Whether a stream or a page can begin after a cursor. */
  isHonoured(room: string, { epoch, sequence }: Cursor): boolean {
    const log = this.log(room);
    if (epoch !== log.epoch || sequence > this.head(room)) return false;
    return log.all.slice(0, log.first).every((e) => e.sequence <= sequence);
  }

  /** Where a subscription begins: the sequence, and the frame that says that it is another one than was asked for. */
  begin(room: string, start: Start): { readonly at: bigint; readonly reset: Frame | null } {
    if ("recent" in start) {
      const recent = this.after(room, -1n).slice(-start.recent);
      return { at: (recent[0]?.sequence ?? this.head(room) + 1n) - 1n, reset: null };
    }
    if (this.isHonoured(room, start.after)) return { at: start.after.sequence, reset: null };
    const { epoch } = this.log(room);
    const head = this.head(room);
    const oldest = this.after(room, -1n)[0]?.sequence ?? 0n;
    return { at: head, reset: { kind: "reset", room, epoch, oldest, head } };
  }

  /** A page after or before a cursor, or the newest one; null if the cursor can't be honoured. */
  page(room: string, position: PagePosition, limit: number): EventsPage | null {
    const after = position && "after" in position ? position.after : null;
    const before = position && "before" in position ? position.before : null;
    if (after && !this.isHonoured(room, after)) return null;
    const { epoch } = this.log(room);
    if (before && before.epoch !== epoch) return null;
    const rest = this.after(room, after?.sequence ?? -1n).filter((e) => !before || e.sequence < before.sequence);
    const events = after ? rest.slice(0, limit) : rest.slice(-limit);
    const sequence = events.at(-1)?.sequence ?? after?.sequence ?? this.head(room);
    return { epoch, events, more: events.length < rest.length, next: { epoch, sequence } };
  }
}
