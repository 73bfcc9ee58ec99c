// The outbox: what was said, and what is done to messages, is sent in order, one
// at a time and each after the answer to the one before it, because calls in
// flight together may be reordered. A retry carries the same id, so that it is
// stored once.

import { backoff } from "../backoff";
import { find } from "./posts";
import type { Event, Failure, Receipt, Speech } from "../model";
import { quoteOf } from "./quotes";
import { isOurs, type Outgoing, type Turn } from "../session/step";
import { forget } from "./auth";

/**
 * How long a send is retried, in milliseconds. The server knows a repeated id
 * for 10 minutes; after that, only a person can tell whether to say it again.
 */
export const retryWindow = 9 * 60_000;
/** How often a send is tried when the server itself fails at it. */
export const maxFaults = 4;

const transient = ["unavailable", "deadline_exceeded", "aborted", "canceled"];
const faults = ["internal", "unknown", "data_loss"];

/** Puts something into the outbox. */
export function say(turn: Turn, id: string, body: Speech): void {
  const { now } = turn.env;
  const waiting = turn.state.outbox.find((o) => o.status === "queued" && undoes(body, o.body));
  if (waiting) {
    drop(turn, waiting.id);
    return;
  }
  const entry: Outgoing = { id, body, time: now, since: now, status: "queued", attempts: 0, at: null, problem: "" };
  turn.set({ outbox: [...turn.state.outbox, entry] });
  pump(turn);
}

/** Whether b takes back the reaction that a is, or gives it again. */
function undoes(a: Speech, b: Speech): boolean {
  if (a.kind !== "reaction" || b.kind !== "reaction") return false;
  return a.target === b.target && a.emoji === b.emoji && a.removed !== b.removed;
}

/** Sends the next one, if it is time. */
export function pump(turn: Turn): void {
  const { outbox, who, resendAt } = turn.state;
  if (!who.identity || turn.env.now < resendAt || outbox.some((o) => o.status === "sending")) return;
  const next = outbox.find((o) => o.status === "queued");
  if (!next) return;
  change(turn, next.id, { status: "sending", attempts: next.attempts + 1 });
  turn.do({ type: "send", id: next.id, body: next.body, token: who.identity.token });
}

/** Sends the next one without further waiting. */
export function kick(turn: Turn): void {
  if (turn.state.resendAt > 0) {
    turn.set({ resendAt: 0 });
    turn.do({ type: "stop", timer: "resend" });
  }
  pump(turn);
}

/** The server has stored a send, now or when it was tried before. */
export function sent(turn: Turn, id: string, receipt: Receipt): void {
  const at = { epoch: receipt.epoch, sequence: receipt.sequence };
  change(turn, id, { status: "stored", time: receipt.time, at, problem: "" });
  passed(turn);
  pump(turn);
}

/** A send has failed: it is tried again, or set aside with the reason. */
export function sendFailed(turn: Turn, id: string, token: string, failure: Failure): void {
  const entry = turn.state.outbox.find((o) => o.id === id);
  if (!entry) {
    pump(turn); // its event has come all the same
    return;
  }
  if (!worthRetrying(entry, failure, turn.env.now)) {
    // Without the message there is no place to say so, nor a reason to.
    if ("target" in entry.body && find(turn.state.timeline.posts, entry.body.target) < 0) drop(turn, id);
    else change(turn, id, { status: "failed", problem: failure.message });
    pump(turn);
    return;
  }
  change(turn, id, { status: "queued", problem: failure.message });
  if (failure.code === "unauthenticated") {
    forget(turn, token);
    pump(turn); // there may be a newer token; without one, it waits for the sign-in
    return;
  }
  const after = backoff(entry.attempts, turn.env.random);
  turn.set({ resendAt: turn.env.now + after });
  turn.do({ type: "timer", timer: "resend", after });
}

function worthRetrying(entry: Outgoing, failure: Failure, now: number): boolean {
  if (now - entry.since >= retryWindow) return false;
  if (faults.includes(failure.code) || failure.code === "unauthenticated") return entry.attempts < maxFaults;
  return transient.includes(failure.code);
}

/** Queues a send that was given up once more, behind what was said since. */
export function again(turn: Turn, id: string): void {
  const entry = turn.state.outbox.find((o) => o.id === id && o.status === "failed");
  if (!entry) return;
  const { now } = turn.env;
  drop(turn, id);
  const body = orphaned(turn, entry.body);
  turn.set({ outbox: [...turn.state.outbox, { ...entry, body, status: "queued", since: now, time: now, attempts: 0, problem: "" }] });
  pump(turn);
}

/** What is said again: no answer to a message any more, if that has been deleted. */
function orphaned(turn: Turn, body: Speech): Speech {
  if (body.kind !== "message" || quoteOf(turn.state, body.replyTo) !== "gone") return body;
  return { ...body, replyTo: 0n };
}

/** An event has come: if it is ours, what it confirms leaves the outbox. */
export function confirm(turn: Turn, e: Event): void {
  if (isOurs(turn.state.who, e)) drop(turn, e.id);
  if (e.body.kind === "deletion") giveUp(turn, e.body.target);
  passed(turn);
}

/** There is nothing left to be changed about a message. */
function giveUp(turn: Turn, target: bigint): void {
  const moot = (o: Outgoing) => "target" in o.body && o.body.target === target && (o.status === "queued" || o.status === "failed");
  if (turn.state.outbox.some(moot)) turn.set({ outbox: turn.state.outbox.filter((o) => !moot(o)) });
}

/** What the cursor has passed is in the log behind it, shown or not. */
export function passed(turn: Turn): void {
  const { cursor, outbox } = turn.state;
  const behind = (o: Outgoing) => cursor !== null && o.at?.epoch === cursor.epoch && o.at.sequence <= cursor.sequence;
  if (outbox.some(behind)) turn.set({ outbox: outbox.filter((o) => !behind(o)) });
}

/** Drops what is stored: the history that is about to be read has it. */
export function forgetStored(turn: Turn): void {
  turn.set({ outbox: turn.state.outbox.filter((o) => o.status !== "stored") });
}

export function drop(turn: Turn, id: string): void {
  if (turn.state.outbox.some((o) => o.id === id)) {
    turn.set({ outbox: turn.state.outbox.filter((o) => o.id !== id) });
  }
}

function change(turn: Turn, id: string, part: Partial<Outgoing>): void {
  turn.set({ outbox: turn.state.outbox.map((o) => (o.id === id ? { ...o, ...part } : o)) });
}

/** What is left of an outbox from before the page was loaded anew. */
export function restore(outbox: readonly Outgoing[], now: number): Outgoing[] {
  return outbox
    .filter((o) => o.status !== "stored" && (o.body.kind === "message" || o.status !== "failed"))
    .map((o) => {
      if (o.status === "failed" || now - o.since >= retryWindow) {
        return { ...o, status: "failed", problem: o.problem || "It was not sent before the page was left." };
      }
      return { ...o, status: "queued" };
    });
}
