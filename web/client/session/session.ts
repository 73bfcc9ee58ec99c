// The session of a page with one room, as a pure state machine: a state, what
// happens, the state after it and the effects that are wanted. It knows no DOM,
// no network and no clock.
//
// It promises: every retained event of the room after the first one shown is
// shown once and in the room's order, or the hole is marked; what is said here
// is sent in the order of saying, and a retry repeats its id.

import { connect, ended, hurry, insist, list, network, receive, retry, watch } from "./stream";
import type { Failure, Identity, Page } from "../model";
import { find } from "../state/posts";
import { again, drop, kick, pump, say, sendFailed, sent } from "../state/outbox";
import { listed, refresh, show } from "../state/presence";
import { quote, quoted } from "../state/quotes";
import { forgo, keepFollowing, keepReading, prepend, trim } from "../state/timeline";
import { isOpen, Turn, type Effect, type Env, type Input, type State, type Timer } from "./step";
import { expire, writing, wrote } from "../state/typing";
import { become, refused, signIn } from "../state/auth";

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
      if (input.stream === link.stream && isOpen(link)) receive(turn, input.frame);
      return;
    case "ended":
      if (input.stream === link.stream && isOpen(link)) ended(turn, input.end);
      return;
    case "timer":
      return rang(turn, input.timer);
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
    case "seek":
      return seek(turn, input.sequence);
    case "found":
      return seek(turn, 0n);
    case "quoted":
      if (input.serial === turn.state.quotes.serial) quoted(turn, input.page);
      return;
    case "peopleShown":
      return show(turn, input.shown);
    case "crowd":
      if (input.serial === turn.state.people.serial) listed(turn, input.crowd);
      return;
    case "writing":
      return writing(turn, input.empty);
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

function rang(turn: Turn, timer: Timer): void {
  switch (timer) {
    case "reconnect":
      return connect(turn);
    case "watchdog":
      return watch(turn);
    case "resend":
      return kick(turn);
    case "people":
      return refresh(turn);
    case "typists":
      return expire(turn);
  }
}

type Speaking = Extract<Input, { type: "said" | "changed" | "sent" | "sendFailed" | "retry" | "discard" }>;

function speak(turn: Turn, input: Speaking): void {
  switch (input.type) {
    case "said":
      wrote(turn);
      return say(turn, input.id, input.body);
    case "changed":
      return say(turn, input.id, input.change);
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

/** There is an identity: the stream is to be that member's, and the outbox may go. */
function identified(turn: Turn, identity: Identity, keep: boolean): void {
  become(turn, identity);
  if (keep) turn.do({ type: "keep", identity });
  const { link } = turn.state;
  if (link.phase === "signingIn" || (isOpen(link) && link.as !== identity.member.id)) connect(turn);
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
  turn.set({ history: { ...history, phase: "idle" }, timeline: forgo(timeline) });
  if (!cursor || page.epoch !== cursor.epoch) return; // a reset is on its way
  // What came after the cursor is the stream's to deliver.
  const seen = page.events.filter((e) => e.sequence <= cursor.sequence);
  const after = prepend(timeline, seen, page.more);
  const read = after.posts.slice(0, after.posts.length - timeline.posts.length);
  turn.set({ timeline: after });
  quote(turn, read);
  if (history.sought > 0n) seek(turn, history.sought);
  else if (read.length === 0 && page.more) list(turn, "earlier"); // it was all about messages further up
}

function pageFailed(turn: Turn, failure: Failure): void {
  const { history, timeline } = turn.state;
  turn.set({ history: { ...history, phase: "failed", problem: failure.message, sought: 0n }, timeline: forgo(timeline) });
}

/** Reads on until a message is there. Nothing is sought with 0. */
function seek(turn: Turn, sequence: bigint): void {
  const { history, timeline, cursor } = turn.state;
  const there = sequence === 0n || find(timeline.posts, sequence) >= 0;
  const further = timeline.more && timeline.oldest > sequence && timeline.posts.length < keepReading;
  turn.set({ history: { ...history, sought: there || further ? sequence : 0n } });
  if (!there && further && cursor && history.phase !== "loading") list(turn, "earlier");
}

function looking(turn: Turn, visible: boolean, atEnd: boolean): void {
  const { unread, timeline, history } = turn.state;
  turn.set({
    looking: { visible, atEnd },
    unread: visible && atEnd ? 0 : unread,
    timeline: atEnd && history.sought === 0n ? trim(timeline, keepFollowing) : timeline,
  });
  refresh(turn);
}
