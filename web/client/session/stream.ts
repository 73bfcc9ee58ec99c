// The connection: opening streams, reading them without loss or repetition, and
// coming back after failures.

import { backoff } from "../backoff";
import { postOf } from "../state/posts";
import type { Cursor, End, Event, Frame } from "../model";
import { confirm, forgetStored, kick, passed } from "../state/outbox";
import { met, recount } from "../state/presence";
import { quote, requote, retryQuotes, unknown } from "../state/quotes";
import { append, empty, expect, keepFollowing, keepReading, trim } from "../state/timeline";
import { isOpen, isOurs, type Turn } from "./step";
import { hush, hushAll, typed } from "../state/typing";
import { forget, needsSignIn, renewIfOld, signIn } from "../state/auth";

/** How many of the newest events a first stream starts with. */
export const recent = 50;
/** How long a stream may take to say its first word, in milliseconds. */
export const joinTimeout = 10_000;
/** How long a stream must have lived for the failures before it to be forgotten. */
export const healthy = 5_000;

/** Opens a stream where the last one ended, in place of the one there is. */
export function connect(turn: Turn): void {
  const { link, cursor } = turn.state;
  turn.do({ type: "stop", timer: "reconnect" });
  hangUp(turn);
  if (needsSignIn(turn)) {
    turn.link({ phase: "signingIn" });
    signIn(turn, turn.state.who.name, "return");
    return;
  }
  renewIfOld(turn);
  const stream = link.stream + 1;
  turn.link({ phase: "connecting", stream, as: turn.state.who.identity?.member.id ?? "", silence: joinTimeout, heardAt: turn.env.now });
  turn.do(
    { type: "open", stream, token: turn.token, start: cursor ? { after: cursor } : { recent } },
    { type: "timer", timer: "watchdog", after: joinTimeout },
  );
}

function hangUp(turn: Turn): void {
  const { link } = turn.state;
  turn.do({ type: "stop", timer: "watchdog" });
  if (isOpen(link)) turn.do({ type: "close", stream: link.stream });
}

/** Opens a stream after a while that grows with every failure in a row. */
export function retry(turn: Turn): void {
  const { link } = turn.state;
  hangUp(turn);
  const { now } = turn.env;
  const lived = (link.phase === "live" || link.phase === "catchingUp") && now - link.joinedAt >= healthy;
  const attempt = lived ? 1 : link.attempt + 1;
  // A server that is going away has said when to come back, jitter included.
  const announced = link.restarting && link.retryAt > now;
  const after = announced ? link.retryAt - now : backoff(attempt, turn.env.random);
  turn.link({ phase: "waiting", attempt, retryAt: now + after });
  turn.do({ type: "timer", timer: "reconnect", after });
}

/** Somebody wants a connection now: a try that is under way is begun anew. */
export function insist(turn: Turn): void {
  const { phase } = turn.state.link;
  if (phase !== "live" && phase !== "catchingUp") connect(turn);
  hurry(turn);
}

/** Does at once what would be done after a while, and what a sleep has prevented. */
export function hurry(turn: Turn): void {
  const { link } = turn.state;
  const { phase, heardAt, silence } = link;
  const silent = isOpen(link) && turn.env.now - heardAt >= silence;
  if (phase === "waiting" || phase === "refused" || silent) connect(turn);
  kick(turn);
}

/** The network came or went, as far as the browser can tell. */
export function network(turn: Turn, online: boolean): void {
  turn.link({ online });
  if (!online || turn.state.link.phase !== "waiting") return;
  // Everybody behind the same router is told at the same time.
  const after = backoff(1, turn.env.random);
  turn.link({ retryAt: turn.env.now + after });
  turn.do({ type: "timer", timer: "reconnect", after });
}

/** Gives up a stream that has been silent for too long. */
export function watch(turn: Turn): void {
  const { link } = turn.state;
  if (!isOpen(link)) return;
  const left = link.heardAt + link.silence - turn.env.now;
  if (left > 0) turn.do({ type: "timer", timer: "watchdog", after: left });
  else retry(turn);
}

/** The stream has ended. */
export function ended(turn: Turn, end: End): void {
  if (end.moved) {
    connect(turn);
    return;
  }
  switch (end.code) {
    case "unauthenticated":
      // A second refusal in a row is no matter of an old token: no hurry then.
      forget(turn, turn.token);
      if (turn.state.link.attempt > 0) {
        retry(turn);
      } else {
        turn.link({ attempt: 1 });
        connect(turn);
      }
      return;
    case "invalid_argument":
    case "permission_denied":
      hangUp(turn);
      turn.link({ phase: "refused", problem: end.message });
      turn.do({ type: "listRooms" }); // there is no stream to say when, and other rooms to go to
      return;
    default:
      retry(turn);
  }
}

/** Takes one frame of the current stream. */
export function receive(turn: Turn, frame: Frame): void {
  const { now } = turn.env;
  turn.link({ heardAt: now });
  switch (frame.kind) {
    case "joined":
      turn.link({
        phase: "catchingUp", joinedAt: now, epoch: frame.epoch, head: frame.head,
        silence: 2 * frame.heartbeat, restarting: false, watching: false, problem: "",
      });
      turn.do({ type: "timer", timer: "watchdog", after: 2 * frame.heartbeat });
      turn.set({ presented: { displayName: frame.displayName, topic: frame.topic } });
      hushAll(turn);
      recount(turn, frame.members);
      retryQuotes(turn);
      if (turn.state.history.phase === "failed" && turn.state.history.ask === "newest") list(turn, "newest");
      kick(turn);
      return;
    case "event":
      take(turn, frame.event);
      return;
    case "caughtUp": {
      const { epoch, head } = turn.state.link;
      turn.link({ phase: "live", settled: true });
      if (!turn.state.cursor) turn.set({ cursor: { epoch, sequence: head } });
      passed(turn);
      return;
    }
    case "reset":
      turn.link({ epoch: frame.epoch, head: frame.head, missing: null });
      turn.set({ cursor: { epoch: frame.epoch, sequence: frame.head }, timeline: empty, quotes: unknown, unread: 0 });
      forgetStored(turn);
      list(turn, "newest");
      return;
    case "roomsChanged":
      // What changed while there was no stream, only the list has.
      turn.do(turn.state.link.watching ? { type: "roomsChanged", change: frame } : { type: "listRooms" });
      turn.link({ watching: true });
      return;
    case "draining":
      turn.link({ restarting: true, retryAt: now + frame.reconnectAfter });
      turn.do({ type: "timer", timer: "reconnect", after: frame.reconnectAfter });
      return;
    case "other":
  }
}

/** Takes one event: in order, once, and only if nothing before it is missing. */
function take(turn: Turn, e: Event): void {
  const { cursor, link } = turn.state;
  if (e.sequence === 0n) {
    glimpse(turn, e);
    return;
  }
  if (cursor && e.sequence <= cursor.sequence) return;
  const missed = cursor !== null && e.previous > cursor.sequence;
  if (missed && link.missing !== cursor.sequence) {
    turn.link({ missing: cursor.sequence });
    retry(turn); // the cursor says what is missing
    return;
  }
  show(turn, e, missed);
}

function show(turn: Turn, e: Event, afterHole: boolean): void {
  const { link, looking, who, unread, history } = turn.state;
  const cursor: Cursor = { epoch: link.epoch, sequence: e.sequence };
  const keep = looking.atEnd && history.sought === 0n ? keepFollowing : keepReading;
  turn.set({ cursor, timeline: trim(append(turn.state.timeline, e, afterHole), keep) });
  confirm(turn, e);
  requote(turn, e);
  if (e.body.kind !== "message") return;
  hush(turn, e.sender);
  quote(turn, [postOf(e)!]);
  const noticed = looking.visible && looking.atEnd;
  if (link.settled && !noticed && !isOurs(who, e)) turn.set({ unread: unread + 1 });
}

/** Takes an event that is not in the log. */
function glimpse(turn: Turn, e: Event): void {
  switch (e.body.kind) {
    case "typing":
      return typed(turn, e);
    case "roomChanged":
      return turn.set({ presented: { displayName: e.body.displayName, topic: e.body.topic } });
    case "memberLeft":
      hush(turn, e.sender);
      return met(turn, e);
    case "memberJoined":
    case "memberRenamed":
    case "memberCount":
      return met(turn, e);
    default: // of a kind that the page has no use for
  }
}

/** Asks for a page of older events, or of the newest after a reset. */
export function list(turn: Turn, ask: "earlier" | "newest"): void {
  const { cursor, timeline, history } = turn.state;
  const serial = history.serial + 1;
  const place = ask === "earlier" && cursor ? { before: { epoch: cursor.epoch, sequence: timeline.oldest } } : null;
  turn.set({ history: { ...history, phase: "loading", ask, serial, problem: "" }, timeline: expect(timeline) });
  turn.do({ type: "list", serial, token: turn.token, place, far: history.sought > 0n });
}
