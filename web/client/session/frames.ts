// Receiving the frames of the room's stream.

import type { Event, Frame, JoinedFrame } from "../model";
import { isOwn } from "../state/auth";
import * as connection from "../state/connection";
import { dropChangesTo, dropId, dropReceived, dropStored } from "../state/outbox";
import { postOf } from "../state/posts";
import { memberEvent, streamJoined } from "../state/presence";
import { changeQuote, loadQuotes, noQuotes, retryQuotes } from "../state/quotes";
import { appendEvent, emptyTimeline, keepAtEnd, keepScrolledBack, trimTimeline } from "../state/timeline";
import { clearTyping, typingEnded, typingReceived } from "../state/typing";
import { loadPage } from "./paging";
import { flush } from "./sending";
import type { Step } from "./step";
import { retry } from "./stream";

/** Takes a frame of the current stream. */
export function receiveFrame(s: Step, frame: Frame): void {
  const { now } = s.env;
  const c = connection.frameReceived(s.state.connection, now);
  s.set("connection", c);
  switch (frame.kind) {
    case "joined":
      return joined(s, frame);
    case "event":
      return frame.event.sequence === 0n ? ephemeralEvent(s, frame.event) : retainedEvent(s, frame.event);
    case "caughtUp":
      s.set("connection", connection.caughtUp(c));
      if (!s.state.cursor) s.set("cursor", { epoch: c.epoch, sequence: c.head });
      s.set("outbox", dropReceived(s.state.outbox, s.state.cursor));
      return;
    case "reset":
      return reset(s, frame.epoch, frame.head);
    case "roomsChanged":
      // Only a new list has the changes from before the stream.
      s.emit(c.roomsWatched ? { type: "roomsChanged", change: frame } : { type: "listRooms" });
      s.set("connection", connection.watchRooms(c));
      return;
    case "rightsChanged":
      return s.set("rights", s.state.rights && { ...s.state.rights, rights: frame.rights });
    case "draining":
      return s.apply("connection", connection.draining(c, frame.reconnectAfter, now));
    case "other":
  }
}

function joined(s: Step, frame: JoinedFrame): void {
  s.apply("connection", connection.joined(s.state.connection, frame, s.env.now));
  s.set("profile", { displayName: frame.displayName, topic: frame.topic });
  s.set("rights", frame.rights && { memberId: frame.member.id, rights: frame.rights });
  s.set("typing", clearTyping(s.state.typing));
  s.apply("presence", streamJoined(s.state.presence, frame, s.presenceContext));
  s.apply("quotes", retryQuotes(s.state.quotes, s.quoteContext));
  const { history } = s.state;
  if (history.phase === "failed" && history.page === "newest") loadPage(s, "newest");
  flush(s);
}

/** The timeline starts again at the newest page of the log. */
function reset(s: Step, epoch: string, head: bigint): void {
  s.set("connection", connection.logReset(s.state.connection, epoch, head));
  s.set("cursor", { epoch, sequence: head });
  s.set("timeline", emptyTimeline);
  s.set("quotes", noQuotes);
  s.set("unread", 0);
  s.set("outbox", dropStored(s.state.outbox));
  loadPage(s, "newest");
}

/** Adds an event to the timeline: in order, once, and only if none is missing before it. */
function retainedEvent(s: Step, e: Event): void {
  const { cursor, connection: c } = s.state;
  if (cursor && e.sequence <= cursor.sequence) return;
  const isMissing = cursor !== null && e.previous > cursor.sequence;
  if (isMissing && c.gapAfter !== cursor.sequence) {
    s.set("connection", connection.gapFound(c, cursor.sequence));
    retry(s); // the next stream starts at the cursor, and brings what is missing
    return;
  }
  add(s, e, isMissing);
}

function add(s: Step, e: Event, afterGap: boolean): void {
  const { connection: c, viewport, auth, unread, history, timeline } = s.state;
  const keep = viewport.atEnd && history.target === 0n ? keepAtEnd : keepScrolledBack;
  s.set("cursor", { epoch: c.epoch, sequence: e.sequence });
  s.set("timeline", trimTimeline(appendEvent(timeline, e, afterGap), keep));
  confirm(s, e);
  s.apply("quotes", changeQuote(s.state.quotes, e, s.quoteContext));
  const post = e.body.kind === "message" && postOf(e);
  if (!post) return;
  s.set("typing", typingEnded(s.state.typing, e.sender));
  s.apply("quotes", loadQuotes(s.state.quotes, [post], s.quoteContext));
  const isSeen = viewport.visible && viewport.atEnd;
  if (c.caughtUpOnce && !isSeen && !isOwn(auth, e)) s.set("unread", unread + 1);
}

/** Removes from the outbox what an event confirms or makes pointless. */
function confirm(s: Step, e: Event): void {
  let { outbox } = s.state;
  if (isOwn(s.state.auth, e)) outbox = dropId(outbox, e.id);
  if (e.body.kind === "deletion") outbox = dropChangesTo(outbox, e.body.target);
  s.set("outbox", dropReceived(outbox, s.state.cursor));
}

function ephemeralEvent(s: Step, e: Event): void {
  const { body, sender } = e;
  const { typing, presence, auth } = s.state;
  switch (body.kind) {
    case "typing":
      if (sender.id === "" || isOwn(auth, e)) return;
      return s.apply("typing", typingReceived(typing, sender, body.stopped, s.env.now));
    case "roomChanged":
      return s.set("profile", { displayName: body.displayName, topic: body.topic });
    case "memberLeft":
      s.set("typing", typingEnded(typing, sender));
      return s.apply("presence", memberEvent(presence, e, s.presenceContext));
    case "memberJoined":
    case "memberRenamed":
    case "memberCount":
      return s.apply("presence", memberEvent(presence, e, s.presenceContext));
    default: // a kind that a session has no use for
  }
}
