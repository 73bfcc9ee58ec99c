// A session with one room, as a pure state machine: step takes a state and an
// input, and returns the next state and the effects to carry out. It knows no DOM,
// no network and no clock.
//
// It guarantees: every retained event of the room after the first one in the
// timeline is added once and in the room's order, or the gap is marked; what the
// user sends is sent in order, and a retry has the same id.

import { canForget } from "../state/auth";
import { isOpen } from "../state/connection";
import type { Effect, Env, Timer } from "../state/effect";
import { membersListed, refreshMembers, showMembers } from "../state/presence";
import { quoteLoaded } from "../state/quotes";
import type { SessionState } from "../state/session-state";
import { keepAtEnd, trimTimeline } from "../state/timeline";
import { expireTyping, notifyTyping } from "../state/typing";
import { receiveFrame } from "./frames";
import type { Input } from "./input";
import { goTo, loadEarlier, pageFailed, pageLoaded } from "./paging";
import { discard, flush, retrySend, send, sendFailed, sent } from "./sending";
import { forgetIdentity, signedIn, signInFailed, signOut, submitName } from "./signing-in";
import { Step } from "./step";
import { checkSilence, connect, networkChanged, reconnect, streamEnded, wake } from "./stream";

/** Takes an input. The state is not changed: the next one is returned. */
export function step(state: SessionState, input: Input, env: Env): [SessionState, readonly Effect[]] {
  const s = new Step(state, env);
  take(s, input);
  return [s.state, s.effects];
}

/** Inputs of streams and requests that have been replaced are ignored. */
function take(s: Step, input: Input): void {
  const { connection, auth, history, quotes, presence } = s.state;
  switch (input.type) {
    case "start":
      connect(s);
      return flush(s);
    case "frame":
      if (input.stream === connection.stream && isOpen(connection)) receiveFrame(s, input.frame);
      return;
    case "ended":
      if (input.stream === connection.stream && isOpen(connection)) streamEnded(s, input.end);
      return;
    case "timer":
      return timerFired(s, input.timer);
    case "signIn":
      return submitName(s, input.name);
    case "signedIn":
      if (input.serial === auth.serial) signedIn(s, input.identity, true);
      return;
    case "signInFailed":
      if (input.serial === auth.serial) signInFailed(s, input.failure);
      return;
    case "signOut":
      return signOut(s);
    case "signedOutElsewhere":
      if (canForget(auth)) forgetIdentity(s);
      return;
    case "identityShared":
      if (input.identity.token !== s.token) signedIn(s, input.identity, false);
      return;
    case "send":
      return send(s, input.id, input.body);
    case "sent":
      return sent(s, input.id, input.receipt);
    case "sendFailed":
      sendFailed(s, input.id, input.token, input.failure);
      // The stream uses the same token, so that both need a new one.
      if (input.failure.code === "unauthenticated" && s.token === "" && !s.state.auth.pending) connect(s);
      return;
    case "retry":
      return retrySend(s, input.id);
    case "discard":
      return discard(s, input.id);
    case "draftChanged":
      return draftChanged(s, input.empty);
    case "loadEarlier":
      return loadEarlier(s);
    case "goTo":
      return goTo(s, input.sequence);
    case "targetReached":
      return goTo(s, 0n);
    case "pageLoaded":
      if (input.serial === history.serial) pageLoaded(s, input.page);
      return;
    case "pageFailed":
      if (input.serial === history.serial) pageFailed(s, input.failure);
      return;
    case "quoteLoaded":
      if (input.serial === quotes.serial) s.apply("quotes", quoteLoaded(quotes, input.page, s.quoteContext));
      return;
    case "membersShown":
      return s.apply("presence", showMembers(presence, input.shown, s.presenceContext));
    case "membersListed":
      if (input.serial === presence.serial) s.apply("presence", membersListed(presence, input.page, s.presenceContext));
      return;
    case "reconnect":
      return reconnect(s);
    case "woke":
      return wake(s);
    case "networkChanged":
      return networkChanged(s, input.online);
    case "viewportChanged":
      return viewportChanged(s, input.visible, input.atEnd);
  }
}

function timerFired(s: Step, timer: Timer): void {
  switch (timer) {
    case "reconnect":
      return connect(s);
    case "watchdog":
      return checkSilence(s);
    case "resend":
      return flush(s);
    case "members":
      return s.apply("presence", refreshMembers(s.state.presence, s.presenceContext));
    case "typing":
      return s.apply("typing", expireTyping(s.state.typing, s.env.now));
  }
}

/** A notification that is lost does no harm, so it is only sent while the stream is live. */
function draftChanged(s: Step, isEmpty: boolean): void {
  const { connection, typing } = s.state;
  if (connection.phase !== "live" || s.token === "") return;
  s.apply("typing", notifyTyping(typing, isEmpty, s.token, s.env.now));
}

function viewportChanged(s: Step, visible: boolean, atEnd: boolean): void {
  const { timeline, history } = s.state;
  s.set("viewport", { visible, atEnd });
  if (visible && atEnd) s.set("unread", 0);
  if (atEnd && history.target === 0n) s.set("timeline", trimTimeline(timeline, keepAtEnd));
  s.apply("presence", refreshMembers(s.state.presence, s.presenceContext));
}
