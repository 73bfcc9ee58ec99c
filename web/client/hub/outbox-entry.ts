import type { Failure } from "../failure";
import type { SendBody } from "../model";

/** A message or change that is not in the log yet. The storage keeps it in this form. */
export interface OutboxEntry {
  readonly id: string;
  readonly room: string;
  /** The id of the member who wrote it, empty if it was not known then. */
  readonly sender: string;
  /** Whether a guest wrote it. Earlier versions did not store it. */
  readonly byGuest?: boolean;
  readonly body: SendBody;
  /** When it was written, by the device's clock. */
  readonly time: number;
  /** When it was attempted first, by the device's clock; 0 if it was not. It counts only for the next leader. */
  readonly attemptedAt: number;
  /** The same by the clock of the hub, which only runs forward. */
  readonly firstAttempt: number;
  readonly status: "queued" | "sending" | "failed";
  readonly attempts: number;
  /** Why the last attempt failed, null if it did not. */
  readonly failure: Failure | null;
  /** When the next attempt may start, in milliseconds from when the last one failed; 0 for at once. */
  readonly retryAfter: number;
}

/** What of a room is in the outbox. */
export interface Unsent {
  /** What is sent as soon as that is possible. */
  readonly waiting: number;
  /** What was refused: the user decides about it. */
  readonly failed: number;
}

/** Returns what is in the outbox, by room. */
export function unsentByRoom(entries: readonly OutboxEntry[]): ReadonlyMap<string, Unsent> {
  const rooms = new Map<string, Unsent>();
  for (const { room, status } of entries) {
    const { waiting, failed } = rooms.get(room) ?? { waiting: 0, failed: 0 };
    const isFailed = status === "failed";
    rooms.set(room, { waiting: waiting + Number(!isFailed), failed: failed + Number(isFailed) });
  }
  return rooms;
}

/** Who wrote an entry. */
export type Writer = Pick<OutboxEntry, "sender" | "byGuest">;

/** An entry that is not attempted yet. date: by the device's clock. */
export function newEntry(
  id: string,
  room: string,
  body: SendBody,
  date: number,
  { sender, byGuest = true }: Writer = { sender: "" },
): OutboxEntry {
  const untried = { attemptedAt: 0, firstAttempt: 0, attempts: 0, failure: null, retryAfter: 0 };
  return { id, room, sender, byGuest, body, time: date, status: "queued", ...untried };
}
