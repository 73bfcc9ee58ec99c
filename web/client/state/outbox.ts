// The outbox: messages and changes are sent in order, one at a time and each after
// the answer to the one before it, because the server may reorder calls that are
// in flight together. A retry has the same id, so that the event is stored once.

import { backoff } from "../backoff";
import type { Failure } from "../failure";
import type { Cursor, Receipt, SendBody } from "../model";
import type { Env, Transition } from "./effect";

/**
 * How long a send is retried, in milliseconds. The server remembers an id for 10
 * minutes; after that, only the user can tell whether to send again.
 */
export const retryWindow = 9 * 60_000;
/** How often a send is attempted when the server fails with an internal error. */
export const maxServerErrors = 4;

const transient = ["unavailable", "deadline_exceeded", "aborted", "canceled"];
const serverErrors = ["internal", "unknown", "data_loss", "unauthenticated"];

/** A message or change that is not in the timeline yet. The storage keeps it in this form. */
export interface OutboxEntry {
  readonly id: string;
  readonly body: SendBody;
  /** When it was written; once stored, when the server accepted it. */
  readonly time: number;
  /** When it was queued, the first time or by the user's retry. */
  readonly since: number;
  readonly status: "queued" | "sending" | "stored" | "failed";
  readonly attempts: number;
  /** Its position in the log, once stored. */
  readonly at: Cursor | null;
  /** Why the last attempt failed, empty if it did not. */
  readonly problem: string;
}

export interface Outbox {
  /** In the order of writing. */
  readonly entries: readonly OutboxEntry[];
  /** Nothing is sent before; 0 if no attempt has failed. */
  readonly resendAt: number;
}

export function entryOf({ entries }: Outbox, id: string): OutboxEntry | undefined {
  return entries.find((e) => e.id === id);
}

/** Adds an entry. If it undoes a reaction that is still queued, both are dropped. */
export function enqueue(outbox: Outbox, id: string, body: SendBody, now: number): Outbox {
  const undone = outbox.entries.find((e) => e.status === "queued" && isInverse(body, e.body));
  if (undone) return drop(outbox, (e) => e === undone);
  return add(outbox, { id, body, time: now, since: now, status: "queued", attempts: 0, at: null, problem: "" });
}

/** Queues a failed entry again, after those that were written since. */
export function requeue(outbox: Outbox, entry: OutboxEntry, body: SendBody, now: number): Outbox {
  const rest = drop(outbox, (e) => e === entry);
  return add(rest, { ...entry, body, status: "queued", since: now, time: now, attempts: 0, problem: "" });
}

/** Whether one of two reactions adds what the other one removes. */
function isInverse(a: SendBody, b: SendBody): boolean {
  if (a.kind !== "reaction" || b.kind !== "reaction") return false;
  return a.target === b.target && a.emoji === b.emoji && a.removed !== b.removed;
}

/** Sends the next entry, unless one is being sent, a delay is running or there is no token. */
export function sendNext(outbox: Outbox, token: string, now: number): Transition<Outbox> {
  const { entries, resendAt } = outbox;
  const next = entries.find((e) => e.status === "queued");
  if (!next || token === "" || now < resendAt || entries.some((e) => e.status === "sending")) return [outbox];
  const { id, body, attempts } = next;
  return [update(outbox, id, { status: "sending", attempts: attempts + 1 }), { type: "send", id, body, token }];
}

/** Ends the delay before the next attempt. */
export function endDelay(outbox: Outbox): Transition<Outbox> {
  if (outbox.resendAt === 0) return [outbox];
  return [
    { ...outbox, resendAt: 0 },
    { type: "stopTimer", timer: "resend" },
  ];
}

/** The server has stored an entry, now or at an earlier attempt. */
export function markStored(outbox: Outbox, id: string, { epoch, sequence, time }: Receipt): Outbox {
  return update(outbox, id, { status: "stored", time, at: { epoch, sequence }, problem: "" });
}

/** Whether an entry whose attempt failed is to be attempted again. */
export function isRetryable(entry: OutboxEntry, { code, retryAfter }: Failure, now: number): boolean {
  if (now - entry.since >= retryWindow) return false;
  if (code === "resource_exhausted") return retryAfter !== undefined; // it came too often, or is too large
  return serverErrors.includes(code) ? entry.attempts < maxServerErrors : transient.includes(code);
}

/** Queues an entry again whose attempt failed. */
export function markQueued(outbox: Outbox, id: string, { message }: Failure): Outbox {
  return update(outbox, id, { status: "queued", problem: message });
}

/** Waits before the next attempt, longer after every attempt at the entry, and as long as the server asks. */
export function delay(outbox: Outbox, entry: OutboxEntry, failure: Failure, { now, random }: Env): Transition<Outbox> {
  const after = Math.max(failure.retryAfter ?? 0, backoff(entry.attempts, random));
  return [
    { ...outbox, resendAt: now + after },
    { type: "startTimer", timer: "resend", after },
  ];
}

/** Gives up an entry. The user decides whether to retry or discard it. */
export function markFailed(outbox: Outbox, id: string, { message }: Failure): Outbox {
  return update(outbox, id, { status: "failed", problem: message });
}

export function dropId(outbox: Outbox, id: string): Outbox {
  return drop(outbox, (e) => e.id === id);
}

/** Drops the changes to a message that was deleted. The answer to one in flight still comes. */
export function dropChangesTo(outbox: Outbox, target: bigint): Outbox {
  const isMoot = ({ body, status }: OutboxEntry) =>
    "target" in body && body.target === target && (status === "queued" || status === "failed");
  return drop(outbox, isMoot);
}

/** Drops the stored entries up to a cursor: the timeline contains them, or is about to. */
export function dropReceived(outbox: Outbox, cursor: Cursor | null): Outbox {
  return drop(outbox, ({ at }) => cursor !== null && at?.epoch === cursor.epoch && at.sequence <= cursor.sequence);
}

/** Drops everything. The answer to a send in flight is ignored. */
export function dropAll(outbox: Outbox): Outbox {
  return drop(outbox, () => true);
}

/** Drops the stored entries: the history that is about to be loaded contains them. */
export function dropStored(outbox: Outbox): Outbox {
  return drop(outbox, (e) => e.status === "stored");
}

/** Prepares the entries of an earlier visit. */
export function restoreEntries(entries: readonly OutboxEntry[], now: number): OutboxEntry[] {
  return entries
    .filter((e) => e.status !== "stored" && (e.body.kind === "message" || e.status !== "failed"))
    .map((e) => {
      if (e.status === "failed" || now - e.since >= retryWindow) {
        return { ...e, status: "failed", problem: e.problem || "The page was closed before the message was sent." };
      }
      return { ...e, status: "queued" };
    });
}

function add(outbox: Outbox, entry: OutboxEntry): Outbox {
  return { ...outbox, entries: [...outbox.entries, entry] };
}

function update(outbox: Outbox, id: string, part: Partial<OutboxEntry>): Outbox {
  return { ...outbox, entries: outbox.entries.map((e) => (e.id === id ? { ...e, ...part } : e)) };
}

/** An outbox from which nothing is dropped stays the same object. */
function drop(outbox: Outbox, isDropped: (entry: OutboxEntry) => boolean): Outbox {
  const { entries } = outbox;
  return entries.some(isDropped) ? { ...outbox, entries: entries.filter((e) => !isDropped(e)) } : outbox;
}
