// Sending messages and changes through the outbox.

import type { Failure } from "../failure";
import type { Receipt, SendBody } from "../model";
import { dropToken } from "../state/auth";
import * as outbox from "../state/outbox";
import { indexOfPost } from "../state/posts";
import { quoteOf } from "../state/quotes";
import { draftSent } from "../state/typing";
import type { Step } from "./step";

export function send(s: Step, id: string, body: SendBody): void {
  if (body.kind === "message") s.set("typing", draftSent(s.state.typing));
  s.set("outbox", outbox.enqueue(s.state.outbox, id, body, s.env.now));
  sendNext(s);
}

function sendNext(s: Step): void {
  s.apply("outbox", outbox.sendNext(s.state.outbox, s.token, s.env.now));
}

/** Sends the next entry without further delay. */
export function flush(s: Step): void {
  s.apply("outbox", outbox.endDelay(s.state.outbox));
  sendNext(s);
}

export function sent(s: Step, id: string, receipt: Receipt): void {
  s.set("outbox", outbox.dropReceived(outbox.markStored(s.state.outbox, id, receipt), s.state.cursor));
  sendNext(s);
}

/** A send has failed: it is attempted again, or given up with the reason. */
export function sendFailed(s: Step, id: string, token: string, failure: Failure): void {
  const entry = outbox.entryOf(s.state.outbox, id);
  if (!entry) return sendNext(s); // its event was received before this answer
  if (!outbox.isRetryable(entry, failure, s.env.now)) {
    // A change to a message that is gone has no place to show the reason.
    const { body } = entry;
    const isMoot = "target" in body && indexOfPost(s.state.timeline.posts, body.target) < 0;
    s.set("outbox", isMoot ? outbox.dropId(s.state.outbox, id) : outbox.markFailed(s.state.outbox, id, failure));
    return sendNext(s);
  }
  s.set("outbox", outbox.markQueued(s.state.outbox, id, failure));
  if (failure.code === "unauthenticated") {
    s.set("auth", dropToken(s.state.auth, token));
    return sendNext(s); // if there is a newer token; otherwise it waits for one
  }
  s.apply("outbox", outbox.delay(s.state.outbox, entry, failure, s.env));
}

/** The user retries a failed send. A reply to a message that was deleted is sent as a plain message. */
export function retrySend(s: Step, id: string): void {
  const { outbox: box, quotes, timeline } = s.state;
  const entry = outbox.entryOf(box, id);
  if (entry?.status !== "failed") return;
  const { body } = entry;
  const isOrphan = body.kind === "message" && quoteOf(quotes, timeline, body.replyTo) === "deleted";
  s.set("outbox", outbox.requeue(box, entry, isOrphan ? { ...body, replyTo: 0n } : body, s.env.now));
  sendNext(s);
}

export function discard(s: Step, id: string): void {
  s.set("outbox", outbox.dropId(s.state.outbox, id));
}
