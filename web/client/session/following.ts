// Following the room: events of the stream, and pages of what it does not bring.

import { backoff } from "../backoff";
import type { Failure } from "../failure";
import { isOwn } from "../hub/auth";
import type { Cursor, Event, EventsPage, JoinedRoom } from "../model";
import { continues, isLive, isNew, startOfNew } from "../state/feed";
import { cancelPage } from "../state/history";
import { messagesUpTo, noCounts } from "../state/message-count";
import { dropId, dropReceived, dropSent, markSent, outboxChanged } from "../state/pending";
import { postOf } from "../state/posts";
import { memberEvent, streamJoined } from "../state/presence";
import { changeQuote, loadQuotes, noQuotes, retryQuotes } from "../state/quotes";
import { unreadBegins } from "../state/reading";
import { renamed } from "../state/renames";
import {
  appendEvent,
  detachTimeline,
  keepAtEnd,
  keepScrolledBack,
  resetTimeline,
  trimTimeline,
} from "../state/timeline";
import { clearTyping, typingEnded, typingReceived, typistRenamed } from "../state/typing";
import type { Input, RoomNews } from "./input";
import { loadPage } from "./paging";
import type { Step } from "./step";

/** What all tabs share has changed. */
export function sharedChanged(s: Step, { auth, connection, entries }: Extract<Input, { type: "shared" }>): void {
  const { feed } = s.state;
  const { phase } = connection;
  s.set("auth", auth);
  s.set("connection", connection);
  const isJoined = phase === "live" || phase === "catchingUp";
  // What is being read stays of use, but the events that wait for it are delivered again.
  s.set("feed", isJoined ? { ...feed, phase } : { ...feed, phase, state: null, streamed: false, held: null });
  s.set("outbox", outboxChanged(s.state.outbox, entries));
}

export function takeNews(s: Step, news: RoomNews): void {
  switch (news.type) {
    case "joined":
      return joined(s, news.state, news.after, news.caughtUp);
    case "event":
      return news.event.sequence === 0n ? ephemeralEvent(s, news.event) : retainedEvent(s, news.event);
    case "caughtUp":
      return streamed(s);
    case "reset":
      return reset(s, { epoch: news.epoch, sequence: news.head });
    case "rightsChanged":
      return s.set("rights", s.state.rights && { ...s.state.rights, rights: news.rights });
    case "refused":
      return s.set("feed", { ...s.state.feed, refusal: news.failure, state: null, streamed: false, held: null });
    case "stored":
      return s.set("outbox", markSent(s.state.outbox, news.entry, news.receipt, s.state.cursor));
  }
}

function joined(s: Step, state: JoinedRoom, after: Cursor | null, isStreamed: boolean): void {
  const phase = s.state.feed.phase === "live" ? "live" : "catchingUp"; // the news come before what is shared
  const newAfter = startOfNew(s.state.feed, state, after);
  s.set("feed", {
    ...s.state.feed,
    phase,
    state,
    newAfter,
    streamed: isStreamed,
    held: null,
    failures: 0,
    refusal: null,
  });
  s.set("profile", { displayName: state.displayName, topic: state.topic });
  s.set("rights", state.rights && { memberId: state.member.id, rights: state.rights });
  s.set("typing", clearTyping(s.state.typing));
  s.apply("presence", streamJoined(s.state.presence, state, s.presenceContext));
  s.apply("quotes", retryQuotes(s.state.quotes, s.quoteContext));
  const { history, cursor, feed } = s.state;
  if (history.phase === "failed" && history.page === "newest") loadPage(s, "newest");
  if (feed.resetting || !continues(cursor, after)) catchUp(s, []);
  else settle(s);
}

/** The stream has brought what it owed. */
function streamed(s: Step): void {
  const { feed, cursor } = s.state;
  if (!feed.state) return;
  s.set("feed", { ...feed, streamed: true });
  if (!cursor && !feed.held) s.set("cursor", { epoch: feed.state.epoch, sequence: feed.state.head });
  settle(s);
}

function settle(s: Step): void {
  const { feed } = s.state;
  if (isLive(feed) && !feed.caughtUpOnce) s.set("feed", { ...feed, caughtUpOnce: true });
  s.set("outbox", dropReceived(s.state.outbox, s.state.cursor));
}

/** Adds an event to the timeline: in order, once, and only if none is missing before it. */
function retainedEvent(s: Step, e: Event): void {
  const { cursor, feed } = s.state;
  if (!feed.state) return;
  if (feed.held) return s.set("feed", { ...feed, held: [...feed.held, e] });
  const isSameLog = cursor?.epoch === feed.state.epoch;
  if (cursor && isSameLog && e.sequence <= cursor.sequence) return;
  const isMissing = cursor !== null && (e.previous > cursor.sequence || !isSameLog);
  if (isMissing && feed.gapAfter !== cursor.sequence) {
    s.set("feed", { ...feed, gapAfter: cursor.sequence });
    return catchUp(s, [e]);
  }
  add(s, e, isMissing, feed.state.epoch);
  settle(s);
}

/** Reads what is missing after the timeline. The events of the stream wait for it. */
function catchUp(s: Step, held: readonly Event[]): void {
  const { feed, cursor } = s.state;
  const serial = feed.serial + 1;
  s.set("feed", { ...feed, serial, held: feed.held ?? held });
  s.emit({ type: "catchUp", serial, position: cursor && !feed.resetting ? { after: cursor } : null });
}

/** A page of what is missing was read. */
export function caughtUpTo(s: Step, page: EventsPage): void {
  const { feed } = s.state;
  if (feed.resetting) {
    s.set("feed", { ...feed, resetting: false });
    forgetLog(s, page.epoch);
  }
  const isAll = s.state.cursor !== null;
  for (const e of page.events) {
    const { cursor } = s.state;
    if (!cursor || cursor.epoch !== page.epoch || e.sequence > cursor.sequence) add(s, e, false, page.epoch);
  }
  if (page.next.sequence > (s.state.cursor?.sequence ?? -1n)) s.set("cursor", page.next);
  if (isAll && page.more) return catchUp(s, []);
  endCatchUp(s);
}

export function catchUpFailed(s: Step, failure: Failure): void {
  const { feed } = s.state;
  if (failure.code === "not_found") return endCatchUp(s); // a new room has no history
  if (failure.code === "out_of_range") {
    s.set("feed", { ...feed, resetting: true });
    return catchUp(s, []);
  }
  const failures = feed.failures + 1;
  s.set("feed", { ...feed, failures });
  const after = Math.max(failure.retryAfter ?? 0, backoff(failures, s.env.random));
  s.emit({ type: "startTimer", timer: "history", after });
}

/** Reads again what could not be read. */
export function retryCatchUp(s: Step): void {
  if (s.state.feed.held) catchUp(s, []);
}

/** Everything before the events that wait is in the timeline. */
function endCatchUp(s: Step): void {
  const { feed } = s.state;
  const held = feed.held ?? [];
  s.set("feed", { ...feed, held: null, failures: 0 });
  for (const e of held) retainedEvent(s, e);
  if (s.state.feed.held === null && s.state.feed.streamed) streamed(s);
}

/** The timeline starts again at the newest page of the log. */
function reset(s: Step, cursor: Cursor): void {
  const { feed } = s.state;
  if (feed.state)
    s.set("feed", {
      ...feed,
      state: { ...feed.state, epoch: cursor.epoch, head: cursor.sequence },
      held: null,
      gapAfter: null,
    });
  forgetLog(s, cursor.epoch);
  s.set("cursor", cursor);
  loadPage(s, "newest");
}

/** The log has another epoch, or does not go back to the timeline any more. */
function forgetLog(s: Step, epoch: string): void {
  const { timeline, counts, cursor } = s.state;
  const isNew = cursor?.epoch !== epoch;
  s.set("history", cancelPage(s.state.history));
  s.set("timeline", resetTimeline(timeline, isNew, isNew ? null : messagesUpTo(counts, timeline, cursor)));
  if (isNew) s.set("counts", noCounts);
  s.set("cursor", null);
  s.set("quotes", noQuotes);
  s.set("unread", 0);
  s.set("outbox", dropSent(s.state.outbox));
}

function add(s: Step, e: Event, afterGap: boolean, epoch: string): void {
  const { feed, viewport, auth, unread, history, timeline, cursor } = s.state;
  const keep = viewport.atEnd && history.target === 0n ? keepAtEnd : keepScrolledBack;
  s.set("cursor", { epoch, sequence: e.sequence });
  const next = appendEvent(timeline, e, afterGap);
  // Who has loaded older messages reads them.
  const isReadingOlder = !viewport.atEnd && history.serial > 0;
  if (!next.newer) s.set("timeline", isReadingOlder ? detachTimeline(next, keep) : trimTimeline(next, keep));
  else s.set("timeline", next);
  const own = isOwn(auth, e);
  if (own) s.set("outbox", dropId(s.state.outbox, e.id));
  s.apply("quotes", changeQuote(s.state.quotes, e, s.quoteContext));
  if (isNew(feed, e.sequence, epoch)) s.emit({ type: "event", event: e });
  const post = e.body.kind === "message" && postOf(e);
  if (!post) return;
  s.set("typing", typingEnded(s.state.typing, e.sender));
  s.apply("quotes", loadQuotes(s.state.quotes, [post], s.quoteContext));
  const isSeen = viewport.visible && viewport.atEnd;
  if (!feed.caughtUpOnce || isSeen || own) return;
  s.set("unread", unread + 1);
  s.set("unreadStart", unreadBegins(s.state.unreadStart, cursor));
}

function renameContext({ state: { presence, timeline } }: Step) {
  return { members: presence.members, posts: timeline.posts };
}

function ephemeralEvent(s: Step, e: Event): void {
  const { body, sender } = e;
  const { typing, presence, auth } = s.state;
  s.emit({ type: "event", event: e });
  switch (body.kind) {
    case "typing":
      if (sender.id === "" || isOwn(auth, e)) return;
      return s.apply("typing", typingReceived(typing, sender, body.stopped, s.env.now));
    case "roomChanged":
      return s.set("profile", { displayName: body.displayName, topic: body.topic });
    case "memberLeft":
      s.set("typing", typingEnded(typing, sender));
      return s.apply("presence", memberEvent(presence, e, s.presenceContext));
    case "memberRenamed":
      s.set("typing", typistRenamed(typing, sender));
      s.set("renames", renamed(s.state.renames, e, renameContext(s), s.state.cursor?.sequence ?? 0n));
      return s.apply("presence", memberEvent(presence, e, s.presenceContext));
    case "memberJoined":
    case "memberCount":
      return s.apply("presence", memberEvent(presence, e, s.presenceContext));
    default: // a kind that a session has no use for
  }
}
