// Receiving the frames of the stream.

import type { Event, Frame, JoinedFrame, ResetFrame, Rights } from "../model";
import { isOwn, memberKnown, renew, renewBefore } from "./auth";
import * as connection from "./connection";
import type { HubStep } from "./hub-step";
import * as lines from "./lines";
import { dropChangesTo } from "./outbox";
import { confirmed, flush } from "./sending";
import { retry } from "./streams";

/** Takes a frame of the current stream. */
export function receiveFrame(s: HubStep, frame: Frame): void {
  const { now } = s.env;
  const c = connection.frameReceived(s.state.connection, now);
  s.set("connection", c);
  switch (frame.kind) {
    case "joined":
      return joined(s, frame);
    case "event":
      return frame.event.sequence === 0n ? ephemeralEvent(s, frame.event) : retainedEvent(s, frame.event);
    case "caughtUp":
      return caughtUp(s, frame.room);
    case "reset":
      return reset(s, frame);
    case "roomsChanged":
      // Only a new list has the changes from before the stream.
      s.publish(c.roomsWatched ? { type: "roomsChanged", change: frame } : { type: "listRooms" });
      s.set("connection", connection.watchRooms(c));
      return;
    case "rightsChanged":
      return rightsChanged(s, frame.room, frame.rights);
    case "heartbeat":
      return serverTime(s, frame.time);
    case "draining":
      return s.apply("connection", connection.draining(c, frame.reconnectAfter, now));
    case "expiring":
      return s.apply("auth", renew(s.state.auth));
    case "renewed":
    case "other":
  }
}

function joined(s: HubStep, frame: JoinedFrame): void {
  s.apply("connection", connection.joined(s.state.connection, frame, s.env.now));
  const auth = memberKnown(s.state.auth, frame.member);
  if (auth !== s.state.auth && auth.identity) {
    s.set("auth", auth);
    s.set("connection", { ...s.state.connection, memberId: frame.member.id });
  }
  for (const state of frame.rooms) {
    const line = s.state.lines.get(state.room);
    if (!line) continue;
    s.set("lines", lines.withLine(s.state.lines, state.room, lines.joined(line, state)));
    s.publish({ type: "joined", to: null, state, after: line.cursor, caughtUp: false });
  }
  flush(s);
}

function rightsChanged(s: HubStep, room: string, rights: Rights): void {
  const line = s.state.lines.get(room);
  if (!line?.state) return;
  s.set("lines", lines.withLine(s.state.lines, room, { ...line, state: { ...line.state, rights } }));
  s.publish({ type: "rightsChanged", room, rights });
}

function caughtUp(s: HubStep, room: string): void {
  const line = s.state.lines.get(room);
  if (line) s.set("lines", lines.withLine(s.state.lines, room, lines.caughtUp(line)));
  s.publish({ type: "caughtUp", room });
  const { connection: c } = s.state;
  if (c.phase === "catchingUp" && lines.isCaughtUp(s.state.lines)) s.set("connection", connection.caughtUp(c));
}

function reset(s: HubStep, { kind, ...frame }: ResetFrame): void {
  const { room, epoch, head } = frame;
  const line = s.state.lines.get(room);
  if (!line?.state) return;
  const next = { ...line, cursor: { epoch, sequence: head }, state: { ...line.state, epoch, head }, gapAfter: null };
  s.set("lines", lines.withLine(s.state.lines, room, next));
  s.publish({ type: kind, ...frame });
}

/** Delivers an event of the log: in order, once, and after those before it. */
function retainedEvent(s: HubStep, e: Event): void {
  const line = s.state.lines.get(e.room);
  if (!line?.state) return;
  switch (lines.received(line, e)) {
    case "known":
      return;
    case "missing":
      s.set("lines", lines.withLine(s.state.lines, e.room, { ...line, gapAfter: line.cursor?.sequence ?? 0n }));
      return retry(s); // the next stream starts at the cursor, and brings what is missing
    case "next":
      s.set("lines", lines.withLine(s.state.lines, e.room, lines.delivered(line, e)));
      s.publish({ type: "event", event: e });
      if (isOwn(s.state.auth, e)) confirmed(s, e, line.state.epoch);
      if (e.body.kind === "deletion") s.apply("outbox", dropChangesTo(s.state.outbox, e.room, e.body.target));
  }
}

function ephemeralEvent(s: HubStep, e: Event): void {
  const line = s.state.lines.get(e.room);
  if (line) s.set("lines", lines.withLine(s.state.lines, e.room, lines.observed(line, e)));
  s.publish({ type: "event", event: e });
}

/** Renews a guest's token long before it expires, by the clock that decides about it: the server's. */
function serverTime(s: HubStep, time: number): void {
  const { connection: c, auth } = s.state;
  const isDue = c.tokenExpires > 0 && c.tokenExpires - time < renewBefore;
  if (isDue && !auth.provided) s.apply("auth", renew(auth));
}
