// The hub, as a pure state machine: step takes a state and an input, and returns the
// next state and the effects to carry out. It knows no DOM, no network and no clock.
//
// One tab of the browser leads and runs it for all: it has the stream, the identity and
// the outbox. It guarantees: every retained event of a room that a tab wants is delivered
// once and in the room's order, from the tab's cursor on, or the tab can tell what is
// missing; what users send is sent in order in each room, and a retry has the same id.

import * as connection from "./connection";
import type { Effect, Env, Timer } from "./effect";
import { receiveFrame } from "./frames";
import type { HubState } from "./hub-state";
import { HubStep } from "./hub-step";
import type { HubInput } from "./input";
import { retryWindow } from "./outbox";
import { discard, resendDue, restored, retrySend, send, sendFailed, sent } from "./sending";
import { identityShared, signedIn, signInFailed, signOut, submitName } from "./signing-in";
import {
  callUnanswered,
  check,
  checkSilence,
  connect,
  networkChanged,
  probeFailed,
  reconnect,
  renewFailed,
  resubscribe,
  streamEnded,
  wake,
  want,
} from "./streams";

export function hubStep(state: HubState, input: HubInput, env: Env): [HubState, readonly Effect[]] {
  const s = new HubStep(state, env);
  take(s, input);
  return [s.state, s.effects];
}

/** Inputs of streams and requests that have been replaced are ignored. */
function take(s: HubStep, input: HubInput): void {
  const { connection: c, auth } = s.state;
  const isCurrent = "stream" in input && input.stream === c.stream && connection.isOpen(c);
  switch (input.type) {
    case "want":
      return want(s, input.tab, input.rooms);
    case "frame":
      return isCurrent ? receiveFrame(s, input.frame) : undefined;
    case "ended":
      return isCurrent ? streamEnded(s, input.end) : undefined;
    case "renewFailed":
      return isCurrent ? renewFailed(s) : undefined;
    case "timer":
      return timerFired(s, input.timer);
    case "signIn":
      return submitName(s, input.name);
    case "signedIn":
      return input.serial === auth.serial ? signedIn(s, input.identity, true) : undefined;
    case "signInFailed":
      return input.serial === auth.serial ? signInFailed(s, input.failure) : undefined;
    case "signOut":
      return signOut(s);
    case "identityShared":
      return identityShared(s, input.identity);
    case "restored":
      return restored(s, input.entries);
    case "outboxStored":
      return s.emit({ type: "loadOutbox" });
    case "send":
      // What was sent long ago may be in the log by now: if not, it is stored.
      if (s.env.date - input.entry.time >= retryWindow) return s.emit({ type: "loadOutbox" });
      return send(s, input.entry);
    case "sent":
      return sent(s, input.id, input.receipt);
    case "sendFailed":
      sendFailed(s, input.id, input.token, input.failure);
      // The stream uses the same token, so that both need a new one.
      if (auth.identity && !s.state.auth.identity && !s.state.auth.pending) connect(s);
      return;
    case "retry":
      return retrySend(s, input.id, input.body);
    case "discard":
      return discard(s, input.id);
    case "reconnect":
      return reconnect(s);
    case "attended":
      return connection.isStale(c, s.env.now) ? check(s) : undefined;
    case "woke":
      return wake(s);
    case "networkChanged":
      return networkChanged(s, input.online);
    case "callUnanswered":
      return callUnanswered(s);
    case "callAnswered":
      return s.set("connection", connection.callAnswered(c));
    case "probeAnswered":
      return input.serial === c.probe ? s.set("connection", connection.probeAnswered(c, s.env.now)) : undefined;
    case "probeFailed":
      return input.serial === c.probe ? probeFailed(s) : undefined;
  }
}

function timerFired(s: HubStep, timer: Timer): void {
  switch (timer) {
    case "reconnect":
      return connect(s);
    case "watchdog":
      return checkSilence(s);
    case "resend":
      return resendDue(s);
    case "resubscribe":
      return resubscribe(s);
    case "probe":
      return check(s);
  }
}
