// The outbox of all rooms. In each room, messages and changes are sent in order, one at a
// time and each after the answer to the one before it, because the server may reorder
// calls that are in flight together. A retry has the same id, so that the event is stored
// once.

import { backoff } from "../backoff";
import { type Failure, ownReasons } from "../failure";
import type { SendBody } from "../model";
import { type Auth, isGuest } from "./auth";
import type { Effect, Env, Transition } from "./effect";
import { newEntry, type OutboxEntry } from "./outbox-entry";

/**
 * How long a send is retried after its first attempt, in milliseconds. The server
 * remembers an id for 10 minutes; after that, only the user can tell whether to send
 * again.
 */
export const retryWindow = 9 * 60_000;
/** How often a send is attempted when the server fails with an internal error. */
export const maxServerErrors = 4;
/** How many sends are in flight at most, each in a room of its own. */
const maxInFlight = 2;

const transient = ["unavailable", "deadline_exceeded", "aborted", "canceled"];
const serverErrors = ["internal", "unknown", "data_loss", "unauthenticated"];

const outcomeUnknown: Failure = {
  code: "unknown",
  message: "It is not known whether this was sent.",
  reason: ownReasons.outcomeUnknown,
};

export interface Outbox {
  /** Whether the stored entries were read: they go first. */
  readonly loaded: boolean;
  /** In the order of writing. */
  readonly entries: readonly OutboxEntry[];
  /** By room: nothing is sent before. */
  readonly resendAt: ReadonlyMap<string, number>;
}

/** The outbox before the stored entries are read. */
export const unread: Outbox = { loaded: false, entries: [], resendAt: new Map() };

export function entryOf({ entries }: Outbox, id: string): OutboxEntry | undefined {
  return entries.find((e) => e.id === id);
}

/** Adds an entry, once. If it undoes a reaction that was not attempted yet, both are dropped. */
export function enqueue(outbox: Outbox, entry: OutboxEntry): Transition<Outbox> {
  const { entries } = outbox;
  if (entryOf(outbox, entry.id)) return [outbox];
  const undone = entries.find((e) => e.status === "queued" && e.attempts === 0 && isInverse(entry, e));
  if (!undone) return [{ ...outbox, entries: [...entries, entry] }];
  const [next] = drop(outbox, (e) => e === undone);
  return [next, { type: "removeEntries", ids: [undone.id, entry.id] }];
}

/**
 * Whether an entry is the caller's. Another user may have signed in since: what the one
 * before has not sent is neither sent nor shown. A guest who has got another id is the same
 * person.
 */
export function isFrom(auth: Auth, { sender, byGuest = true }: OutboxEntry): boolean {
  return sender === "" || auth.memberIds.includes(sender) || (byGuest && isGuest(auth));
}

/** Whether one of two reactions adds what the other one removes. */
function isInverse({ room, body: a }: OutboxEntry, { room: other, body: b }: OutboxEntry): boolean {
  if (a.kind !== "reaction" || b.kind !== "reaction" || room !== other) return false;
  return a.target === b.target && a.emoji === b.emoji && a.removed !== b.removed;
}

/** Queues a failed entry again, after those that were written since. */
export function requeue(outbox: Outbox, entry: OutboxEntry, body: SendBody, date: number): Transition<Outbox> {
  const [rest, ...effects] = remove(outbox, entry.id);
  const again = newEntry(entry.id, entry.room, body, date, entry);
  return [{ ...rest, entries: [...rest.entries, again] }, ...effects, { type: "storeEntry", entry: again }];
}

/** Sends the next entry of each room in which none is being sent and no delay is running. */
export function sendNext(outbox: Outbox, auth: Auth, { now, date }: Env): Transition<Outbox> {
  if (!outbox.loaded) return [outbox];
  const busy = new Set(outbox.entries.filter((e) => e.status === "sending").map((e) => e.room));
  for (const room of outbox.resendAt.keys()) busy.add(room);
  let free = maxInFlight - outbox.entries.filter((e) => e.status === "sending").length;
  const effects: Effect[] = [];
  const token = auth.identity?.token ?? "";
  const entries = outbox.entries.map((entry) => {
    if (entry.status === "queued" && isOld(entry, now)) {
      const given = giveUp(entry); // there was no stream for long
      effects.push({ type: "storeEntry", entry: given });
      return given;
    }
    if (entry.status !== "queued" || free === 0 || busy.has(entry.room) || !isFrom(auth, entry)) return entry;
    free--;
    busy.add(entry.room);
    const { id, room, body } = entry;
    const isFirst = entry.attemptedAt === 0;
    const first = isFirst ? { attemptedAt: date, firstAttempt: now } : {};
    const next: OutboxEntry = { ...entry, ...first, status: "sending", attempts: entry.attempts + 1 };
    if (isFirst) effects.push({ type: "storeEntry", entry: next });
    effects.push({ type: "send", room, id, body, token });
    return next;
  });
  return effects.length === 0 ? [outbox] : [{ ...outbox, entries }, ...effects];
}

/** Ends the delays up to a time. */
export function endDelays(outbox: Outbox, due: number, now: number): Transition<Outbox> {
  if (outbox.resendAt.size === 0) return [outbox];
  const resendAt = new Map([...outbox.resendAt].filter(([, at]) => at > due));
  return [{ ...outbox, resendAt }, resendTimer(resendAt, now)];
}

function resendTimer(resendAt: ReadonlyMap<string, number>, now: number): Effect {
  if (resendAt.size === 0) return { type: "stopTimer", timer: "resend" };
  return { type: "startTimer", timer: "resend", after: Math.max(0, Math.min(...resendAt.values()) - now) };
}

/** Whether the server may not remember an entry any more. */
function isOld({ attemptedAt, firstAttempt }: OutboxEntry, now: number): boolean {
  return attemptedAt > 0 && now - firstAttempt >= retryWindow;
}

/** Whether an entry whose attempt failed is to be attempted again. */
export function isRetryable(entry: OutboxEntry, { code, retryAfter }: Failure, now: number): boolean {
  if (isOld(entry, now)) return false;
  if (code === "resource_exhausted") return retryAfter !== undefined; // it came too often, or is too large
  return serverErrors.includes(code) ? entry.attempts < maxServerErrors : transient.includes(code);
}

/** Queues an entry again whose attempt failed. */
export function markQueued(outbox: Outbox, id: string, failure: Failure): Transition<Outbox> {
  return [update(outbox, id, { status: "queued", failure })];
}

/** Waits before the next attempt, longer after every attempt at the entry, and as long as the server asks. */
export function delay(outbox: Outbox, entry: OutboxEntry, failure: Failure, { now, random }: Env): Transition<Outbox> {
  const after = Math.max(failure.retryAfter ?? 0, backoff(entry.attempts, random));
  const resendAt = new Map(outbox.resendAt).set(entry.room, now + after);
  return [{ ...update(outbox, entry.id, { retryAfter: after }), resendAt }, resendTimer(resendAt, now)];
}

/** Gives up an entry. The user decides whether to retry or discard it. */
export function markFailed(outbox: Outbox, id: string, failure: Failure): Transition<Outbox> {
  const next = update(outbox, id, { status: "failed", failure, retryAfter: failure.retryAfter ?? 0 });
  const entry = entryOf(next, id);
  return entry ? [next, { type: "storeEntry", entry }] : [next];
}

export function remove(outbox: Outbox, id: string): Transition<Outbox> {
  return drop(outbox, (e) => e.id === id);
}

/** Drops the changes to a message that was deleted. The answer to one in flight still comes. */
export function dropChangesTo(outbox: Outbox, room: string, target: bigint): Transition<Outbox> {
  return drop(
    outbox,
    (e) => e.room === room && e.status !== "sending" && "target" in e.body && e.body.target === target,
  );
}

/** Drops everything. The answers to sends in flight are ignored. */
export function forgetAll(outbox: Outbox): Transition<Outbox> {
  return drop(outbox, () => true);
}

/** Adds the entries that other tabs or an earlier visit have stored, before those that came since. */
export function restore(outbox: Outbox, stored: readonly OutboxEntry[], env: Env): Outbox {
  const restored = restoreEntries(stored, env).map((e) => entryOf(outbox, e.id) ?? e);
  const since = outbox.entries.filter((e) => !restored.some(({ id }) => id === e.id));
  return { ...outbox, loaded: true, entries: [...restored, ...since] };
}

function restoreEntries(entries: readonly OutboxEntry[], { now, date }: Env): OutboxEntry[] {
  return entries.map((e) => {
    if (e.status === "failed") return e;
    const age = e.attemptedAt === 0 ? 0 : Math.abs(date - e.attemptedAt);
    if (age < retryWindow) return { ...e, status: "queued", firstAttempt: now - age };
    return giveUp(e);
  });
}

/** The server does not remember an entry any more, and the answer to its last attempt is not known. */
function giveUp(entry: OutboxEntry): OutboxEntry {
  return { ...entry, status: "failed", failure: entry.failure ?? outcomeUnknown };
}

function update(outbox: Outbox, id: string, part: Partial<OutboxEntry>): Outbox {
  return { ...outbox, entries: outbox.entries.map((e) => (e.id === id ? { ...e, ...part } : e)) };
}

/** An outbox from which nothing is dropped stays the same object. */
function drop(outbox: Outbox, isDropped: (entry: OutboxEntry) => boolean): Transition<Outbox> {
  const ids = outbox.entries.filter(isDropped).map((e) => e.id);
  if (ids.length === 0) return [outbox];
  return [
    { ...outbox, entries: outbox.entries.filter((e) => !isDropped(e)) },
    { type: "removeEntries", ids },
  ];
}
