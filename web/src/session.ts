// The session of a page with one room, as a pure state machine: a state, what
// happens, the state after it and the effects that are wanted. It knows no DOM,
// no network and no clock.
//
// It promises: every retained event of the room after the first one shown is
// shown once and in the room's order, or the hole is marked; what is said here
// is sent in the order of saying, and a retry repeats its id.

import { connect, ended, hurry, insist, list, network, receive, retry, watch } from "./link";
import type { Failure, Identity, Page } from "./model";
import { again, drop, kick, pump, say, sendFailed, sent } from "./outbox";
import { keepFollowing, prepend, trim } from "./timeline";
import { Turn, type Effect, type Env, type Input, type State } from "./turn";
import { become, refused, signIn } from "./who";

export function step(state: State, input: Input, env: Env): [State, readonly Effect[]] {
  const turn = new Turn(state, env);
  take(turn, input);
  return [turn.state, turn.effects];
}

function take(turn: Turn, input: Input): void {
  const { link } = turn.state;
  switch (input.type) {
    case "start":
      connect(turn);
      return pump(turn);
    case "frame":
      if (input.stream === link.stream && isOpen(turn)) receive(turn, input.frame);
      return;
    case "ended":
      if (input.stream === link.stream && isOpen(turn)) ended(turn, input.end);
      return;
    case "timer":
      if (input.timer === "reconnect") return connect(turn);
      return input.timer === "watchdog" ? watch(turn) : kick(turn);
    case "named":
      return signIn(turn, input.name, "form");
    case "signedIn":
      if (input.serial === turn.state.who.serial) identified(turn, input.identity, true);
      return;
    case "signInFailed":
      if (input.serial === turn.state.who.serial) signInFailed(turn, input.failure);
      return;
    case "adopted":
      if (input.identity.token !== turn.token) identified(turn, input.identity, false);
      return;
    case "page":
      if (input.serial === turn.state.history.serial) paged(turn, input.page);
      return;
    case "pageFailed":
      if (input.serial === turn.state.history.serial) pageFailed(turn, input.failure);
      return;
    case "earlier":
      return earlier(turn);
    case "reconnect":
      return insist(turn);
    case "woke":
      return hurry(turn);
    case "network":
      return network(turn, input.online);
    case "looking":
      return looking(turn, input.visible, input.atEnd);
    default:
      speak(turn, input);
  }
}

type Speech = Extract<Input, { type: "said" | "sent" | "sendFailed" | "retry" | "discard" }>;

function speak(turn: Turn, input: Speech): void {
  switch (input.type) {
    case "said":
      return say(turn, input.id, input.text);
    case "sent":
      return sent(turn, input.id, input.receipt);
    case "sendFailed":
      sendFailed(turn, input.id, input.token, input.failure);
      // The stream has the same token: both need a new one.
      if (input.failure.code === "unauthenticated" && !turn.state.who.identity && !turn.state.who.asking) connect(turn);
      return;
    case "retry":
      return again(turn, input.id);
    case "discard":
      return drop(turn, input.id);
  }
}

function isOpen(turn: Turn): boolean {
  const { phase } = turn.state.link;
  return phase === "connecting" || phase === "catchingUp" || phase === "live";
}

/** There is an identity: the stream is to be that member's, and the outbox may go. */
function identified(turn: Turn, identity: Identity, keep: boolean): void {
  become(turn, identity);
  if (keep) turn.do({ type: "keep", identity });
  const { phase, as } = turn.state.link;
  if (phase === "signingIn" || (isOpen(turn) && as !== identity.member.id)) connect(turn);
  kick(turn);
}

function signInFailed(turn: Turn, failure: Failure): void {
  switch (refused(turn, failure)) {
    case "retry":
      return retry(turn);
    case "connect":
      return connect(turn);
    case "nothing":
      // A form sent while the page was signing in has taken that one's place.
      if (turn.state.link.phase === "signingIn" && !turn.state.who.asking) connect(turn);
  }
}

function earlier(turn: Turn): void {
  const { history, timeline, cursor } = turn.state;
  if (!cursor || history.phase === "loading") return;
  if (history.phase === "failed") list(turn, history.ask);
  else if (timeline.more) list(turn, "earlier");
}

function paged(turn: Turn, page: Page): void {
  const { cursor, timeline, history } = turn.state;
  turn.set({ history: { ...history, phase: "idle" } });
  if (!cursor || page.epoch !== cursor.epoch) return; // a reset is on its way
  // What came after the cursor is the stream's to deliver.
  const seen = page.events.filter((e) => e.sequence <= cursor.sequence);
  turn.set({ timeline: prepend(timeline, seen, page.more) });
}

function pageFailed(turn: Turn, failure: Failure): void {
  const { history } = turn.state;
  turn.set({ history: { ...history, phase: "failed", problem: failure.message } });
}

function looking(turn: Turn, visible: boolean, atEnd: boolean): void {
  const { unread, timeline } = turn.state;
  turn.set({
    looking: { visible, atEnd },
    unread: visible && atEnd ? 0 : unread,
    timeline: atEnd ? trim(timeline, keepFollowing) : timeline,
  });
}
