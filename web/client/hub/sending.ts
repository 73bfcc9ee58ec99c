// Sending messages and changes through the outbox.

import type { Failure } from "../failure";
import type { Event, Receipt, SendBody } from "../model";
import { dropToken } from "./auth";
import { callAnswered, isJoined } from "./connection";
import type { HubStep } from "./hub-step";
import * as outbox from "./outbox";
import type { OutboxEntry } from "./outbox-entry";

/** The stored entries were read. */
export function restored(s: HubStep, entries: readonly OutboxEntry[]): void {
  s.set("outbox", outbox.restore(s.state.outbox, entries, s.env));
  sendNext(s);
}

/** What a tab sends. A tab that does not know whether an entry has arrived repeats it. */
export function send(s: HubStep, entry: OutboxEntry): void {
  s.apply("outbox", outbox.enqueue(s.state.outbox, entry));
  sendNext(s);
}

/**
 * Sends the next entries. Without the stream that is wanted nothing is attempted: the server
 * remembers an id for some minutes only, and these begin with the first attempt.
 */
function sendNext(s: HubStep): void {
  const { connection: c, auth, lines } = s.state;
  const isPossible = isJoined(c) || (c.phase === "idle" && lines.size === 0);
  if (!auth.identity || !isPossible) return;
  s.apply("outbox", outbox.sendNext(s.state.outbox, auth, s.env));
}

/** Sends the next entries without further delay. */
export function flush(s: HubStep): void {
  s.apply("outbox", outbox.endDelays(s.state.outbox, Number.POSITIVE_INFINITY, s.env.now));
  sendNext(s);
}

/** The timer for the next attempt has fired. */
export function resendDue(s: HubStep): void {
  // A timer may fire a moment early.
  const due = Math.max(s.env.now, Math.min(...s.state.outbox.resendAt.values()));
  s.apply("outbox", outbox.endDelays(s.state.outbox, due, s.env.now));
  sendNext(s);
}

export function sent(s: HubStep, id: string, receipt: Receipt): void {
  s.set("connection", callAnswered(s.state.connection));
  stored(s, id, receipt);
  sendNext(s);
}

function stored(s: HubStep, id: string, receipt: Receipt): void {
  const entry = outbox.entryOf(s.state.outbox, id);
  if (!entry) return;
  s.publish({ type: "stored", entry, receipt });
  s.apply("outbox", outbox.remove(s.state.outbox, id));
}

/** An own event is in the log: the answer to its send may have been lost. */
export function confirmed(s: HubStep, { id, sequence, time }: Event, epoch: string): void {
  stored(s, id, { epoch, sequence, time });
  sendNext(s);
}

/**
 * A send has failed: it is attempted again, or given up with the reason. If its token was
 * refused, it waits for another one.
 */
export function sendFailed(s: HubStep, id: string, token: string, failure: Failure): void {
  const entry = outbox.entryOf(s.state.outbox, id);
  if (!entry) return sendNext(s); // its event was received before this answer
  if (!outbox.isRetryable(entry, failure, s.env.now)) {
    // A change to a message that is gone has no place to show the reason.
    const isMoot = "target" in entry.body && failure.code === "not_found";
    s.apply("outbox", isMoot ? outbox.remove(s.state.outbox, id) : outbox.markFailed(s.state.outbox, id, failure));
    return sendNext(s);
  }
  s.apply("outbox", outbox.markQueued(s.state.outbox, id, failure));
  if (failure.code === "unauthenticated") {
    s.set("auth", dropToken(s.state.auth, token));
    return sendNext(s); // if there is a newer token
  }
  s.apply("outbox", outbox.delay(s.state.outbox, entry, failure, s.env));
  sendNext(s); // in other rooms
}

/** The user retries a failed send. */
export function retrySend(s: HubStep, id: string, body: SendBody): void {
  const entry = outbox.entryOf(s.state.outbox, id);
  if (entry?.status !== "failed") return;
  s.apply("outbox", outbox.requeue(s.state.outbox, entry, body, s.env.date));
  sendNext(s);
}

export function discard(s: HubStep, id: string): void {
  s.apply("outbox", outbox.remove(s.state.outbox, id));
  sendNext(s);
}
