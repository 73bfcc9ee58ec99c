// Loading older events into the timeline.

import type { Failure } from "../failure";
import type { EventsPage } from "../model";
import * as history from "../state/history";
import { indexOfPost } from "../state/posts";
import { loadQuotes } from "../state/quotes";
import { beginLoad, cancelLoad, keepScrolledBack, prependPage } from "../state/timeline";
import type { Step } from "./step";

/** Requests the page before the timeline, or the newest one after a reset. */
export function loadPage(s: Step, page: history.History["page"]): void {
  const { cursor, timeline } = s.state;
  const isEarlier = page === "earlier" && cursor !== null;
  const position = isEarlier ? { before: { epoch: cursor.epoch, sequence: timeline.oldest } } : null;
  s.set("timeline", beginLoad(timeline));
  s.apply("history", history.loadPage(s.state.history, page, position));
}

/** The user wants older messages, or tries again after a failure. */
export function loadEarlier(s: Step): void {
  const { history: h, timeline, cursor } = s.state;
  if (!cursor || h.phase === "loading") return;
  if (h.phase === "failed") loadPage(s, h.page);
  else if (timeline.more) loadPage(s, "earlier");
}

export function pageLoaded(s: Step, page: EventsPage): void {
  const { cursor, timeline, history: h } = s.state;
  s.set("history", history.loadDone(h));
  s.set("timeline", cancelLoad(timeline));
  if (!cursor || page.epoch !== cursor.epoch) return; // a reset follows
  // The stream delivers the events after the cursor.
  const received = page.events.filter((e) => e.sequence <= cursor.sequence);
  const after = prependPage(timeline, received, page.more);
  const added = after.posts.slice(0, after.posts.length - timeline.posts.length);
  s.set("timeline", after);
  s.apply("quotes", loadQuotes(s.state.quotes, added, s.quoteContext));
  if (h.target > 0n) goTo(s, h.target);
  else if (added.length === 0 && page.more) loadPage(s, "earlier"); // all of it were changes to older messages
}

export function pageFailed(s: Step, { message }: Failure): void {
  s.set("history", history.loadFailed(s.state.history, message));
  s.set("timeline", cancelLoad(s.state.timeline));
}

/** Loads pages until the timeline has the message with a sequence; 0 stops. */
export function goTo(s: Step, sequence: bigint): void {
  const { history: h, timeline, cursor } = s.state;
  const isThere = sequence === 0n || indexOfPost(timeline.posts, sequence) >= 0;
  const isFurther = timeline.more && timeline.oldest > sequence && timeline.posts.length < keepScrolledBack;
  s.set("history", history.setTarget(h, isThere || isFurther ? sequence : 0n));
  if (!isThere && isFurther && cursor && h.phase !== "loading") loadPage(s, "earlier");
}
