// Loading pages of the log into the timeline.

import type { Failure } from "../failure";
import type { Event, EventsPage, PagePosition } from "../model";
import * as history from "../state/history";
import { indexOfPost } from "../state/posts";
import { loadQuotes } from "../state/quotes";
import {
  appendPage,
  beginLoad,
  cancelLoad,
  covers,
  detachTimeline,
  keepScrolledBack,
  prependPage,
  replaceByPage,
  type Timeline,
  trimTimeline,
} from "../state/timeline";
import type { Step } from "./step";

/** Requests a page. */
export function loadPage(s: Step, page: history.History["page"]): void {
  s.set("timeline", beginLoad(s.state.timeline));
  s.apply("history", history.loadPage(s.state.history, page, positionOf(s, page)));
}

function positionOf(s: Step, page: history.History["page"]): PagePosition {
  const { cursor, timeline, history: h } = s.state;
  if (!cursor) return null;
  const { epoch } = cursor;
  switch (page) {
    case "earlier":
      return { before: { epoch, sequence: timeline.oldest } };
    case "later":
      return { after: { epoch, sequence: timeline.newest } };
    case "around":
      return { before: { epoch, sequence: h.target + 1n } };
    case "oldest":
      return { after: { epoch, sequence: 0n } };
    case "newest":
      return null;
  }
}

/** The user wants older messages, or tries again after a failure. */
export function loadEarlier(s: Step): void {
  const { history: h, timeline, cursor } = s.state;
  if (!cursor || h.phase === "loading") return;
  if (h.phase === "failed") loadPage(s, h.page);
  else if (timeline.more) loadPage(s, "earlier");
}

/** The user wants newer messages, or tries again after a failure. */
export function loadLater(s: Step): void {
  const { history: h, timeline, cursor } = s.state;
  if (!cursor || h.phase === "loading") return;
  if (h.phase === "failed") loadPage(s, h.page);
  else if (timeline.newer) loadPage(s, "later");
}

/** The user wants the newest messages. */
export function loadNewest(s: Step): void {
  const { history: h, timeline, cursor } = s.state;
  s.set("history", history.setTarget(h, 0n));
  if (cursor && timeline.newer) loadPage(s, "newest");
}

export function pageLoaded(s: Step, page: EventsPage): void {
  const { cursor, timeline, history: h } = s.state;
  s.set("history", history.loadDone(h));
  s.set("timeline", cancelLoad(timeline));
  if (!cursor || page.epoch !== cursor.epoch) return; // a reset follows
  // The stream delivers the events after the cursor.
  const events = page.events.filter((e) => e.sequence <= cursor.sequence);
  // Nothing is left up to the target: the nearest message is the first one that is.
  if (h.page === "around" && h.nearest && events.length === 0 && h.target > 0n) return loadPage(s, "oldest");
  const after = withPage(timeline, h, events, page, cursor.sequence);
  if (after) s.set("timeline", after);
  const known = new Set(timeline.posts.map((post) => post.sequence));
  const added = s.state.timeline.posts.filter((post) => !known.has(post.sequence));
  s.apply("quotes", loadQuotes(s.state.quotes, added, s.quoteContext));
  if (h.page === "around" && !s.state.timeline.newer) return settleTarget(s);
  if (h.page === "around" && after) return loadPage(s, "later"); // the target is in the middle
  if (added.length > 0) return settleTarget(s);
  // All of it were changes to older messages.
  if (h.page === "earlier" && page.more) return loadPage(s, "earlier");
  if (h.page === "later" && s.state.timeline.newer && page.more) return loadPage(s, "later");
  settleTarget(s);
}

/** Returns the timeline with a page, or null if that is of no use. head: the last event that the stream has brought. */
function withPage(
  t: Timeline,
  h: history.History,
  events: readonly Event[],
  { more, next }: EventsPage,
  head: bigint,
): Timeline | null {
  const end = events.at(-1)?.sequence ?? 0n;
  const read = next.sequence > end ? next.sequence : end;
  const newest = read < head ? read : head;
  switch (h.page) {
    case "earlier":
      return detachTimeline(prependPage(t, events, more), keepScrolledBack);
    case "later":
      if (!t.newer) return null; // it was replaced by the newest messages
      return trimTimeline(appendPage(t, events, newest, newest < head), keepScrolledBack);
    case "oldest":
      return { ...replaceByPage(t, events, false, newest, newest < head), cut: true };
    case "newest":
      return t.newer ? replaceByPage(t, events, more, newest, newest < head) : prependPage(t, events, more);
    case "around": {
      const isFound = events.some((e) => e.sequence === h.target);
      if (events.length === 0 || (!isFound && !h.nearest)) return null;
      return replaceByPage(t, events, more, h.target, h.target < head);
    }
  }
}

/** A target that is no message now is none later. */
function settleTarget(s: Step): void {
  const { history: h, timeline } = s.state;
  if (h.target === 0n || indexOfPost(timeline.posts, h.target) >= 0) return;
  if (!h.nearest || timeline.posts.length === 0) s.set("history", history.targetAbsent(h));
}

export function pageFailed(s: Step, failure: Failure): void {
  const { history: h } = s.state;
  const { code } = failure;
  const isGone = code === "out_of_range" && h.target > 0n;
  s.set("history", isGone ? history.targetAbsent(history.loadDone(h)) : history.loadFailed(h, failure));
  s.set("timeline", cancelLoad(s.state.timeline));
  // The log does not go back to the end of what is shown.
  if (code === "out_of_range" && h.page === "later") loadNewest(s);
}

/** Reads the part of the log around a message, unless the timeline has it. */
export function goTo(s: Step, sequence: bigint, nearest = false): void {
  const { history: h, timeline, cursor } = s.state;
  s.set("history", history.setTarget(h, sequence, nearest));
  if (sequence === 0n || indexOfPost(timeline.posts, sequence) >= 0) return;
  if (!cursor || sequence > cursor.sequence || covers(timeline, sequence)) return settleTarget(s);
  const isBeforeAll = sequence < timeline.oldest && !timeline.more;
  if (isBeforeAll) return settleTarget(s);
  loadPage(s, "around");
}
