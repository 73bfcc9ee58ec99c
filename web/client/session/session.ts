// The session of one room, as a pure state machine: step takes a state and an input,
// and returns the next state and the effects to carry out. It knows no DOM, no network
// and no clock.
//
// It guarantees: every retained event of the room after the first one in the timeline
// is added once and in the room's order, or the gap is marked, whatever the stream
// repeats or leaves out.

import type { Effect, Env, Timer } from "../state/effect";
import { isLive } from "../state/feed";
import { setTarget } from "../state/history";
import { countTaken } from "../state/message-count";
import { membersListed, refreshMembers, showMembers } from "../state/presence";
import { quoteLoaded } from "../state/quotes";
import { unreadAtOpening, unreadEnds } from "../state/reading";
import type { SessionState } from "../state/session-state";
import { keepAtEnd, trimTimeline } from "../state/timeline";
import { draftSent, expireTyping, notifyTyping } from "../state/typing";
import { catchUpFailed, caughtUpTo, retryCatchUp, sharedChanged, takeNews } from "./following";
import type { Input } from "./input";
import { goTo, loadEarlier, loadLater, loadNewest, pageFailed, pageLoaded } from "./paging";
import { Step } from "./step";

export function step(state: SessionState, input: Input, env: Env): [SessionState, readonly Effect[]] {
  const s = new Step(state, env);
  take(s, input);
  s.settlePhase();
  s.settleCount();
  return [s.state, s.effects];
}

/** Inputs of requests that have been replaced are ignored. */
function take(s: Step, input: Input): void {
  const { feed, history, quotes, presence } = s.state;
  switch (input.type) {
    case "shared":
      return sharedChanged(s, input);
    case "news":
      return takeNews(s, input.news);
    case "timer":
      return timerFired(s, input.timer);
    case "caughtUpTo":
      if (input.serial === feed.serial && feed.held) caughtUpTo(s, input.page);
      return;
    case "catchUpFailed":
      if (input.serial === feed.serial && feed.held) catchUpFailed(s, input.failure);
      return;
    case "counted":
      return s.set("counts", countTaken(s.state.counts, input.count, s.state.cursor));
    case "left":
      return s.set("feed", { ...feed, state: null, streamed: false, held: null });
    case "opened":
      return s.set("unreadStart", unreadAtOpening(input.read));
    case "read":
      return read(s);
    case "draftChanged":
      return draftChanged(s, input.empty);
    case "draftSent":
      return s.set("typing", draftSent(s.state.typing));
    case "loadEarlier":
      return loadEarlier(s);
    case "loadLater":
      return loadLater(s);
    case "loadNewest":
      return loadNewest(s);
    case "goTo":
      return goTo(s, input.sequence, input.nearest);
    case "targetReached":
      return s.set("history", setTarget(history, 0n));
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
    case "viewportChanged":
      return viewportChanged(s, input.visible, input.atEnd);
  }
}

function timerFired(s: Step, timer: Timer): void {
  switch (timer) {
    case "history":
      return retryCatchUp(s);
    case "members":
      return s.apply("presence", refreshMembers(s.state.presence, s.presenceContext));
    case "typing":
      return s.apply("typing", expireTyping(s.state.typing, s.env.now));
  }
}

/** A notification that is lost does no harm, so it is only sent while the room is live. */
function draftChanged(s: Step, isEmpty: boolean): void {
  const { feed, typing, auth } = s.state;
  if (!isLive(feed) || !auth.identity?.token) return;
  s.apply("typing", notifyTyping(typing, isEmpty, s.env.now));
}

function read(s: Step): void {
  s.set("unread", 0);
  s.set("unreadStart", unreadEnds(s.state.unreadStart, s.state.cursor));
}

function viewportChanged(s: Step, visible: boolean, atEnd: boolean): void {
  const { timeline, history } = s.state;
  s.set("viewport", { visible, atEnd });
  if (visible && atEnd) read(s);
  if (atEnd && history.target === 0n && !timeline.newer) s.set("timeline", trimTimeline(timeline, keepAtEnd));
  s.apply("presence", refreshMembers(s.state.presence, s.presenceContext));
}
