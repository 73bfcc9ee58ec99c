import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, firstBound, lastBound } from "../backoff";
import { healthy, joinTimeout, recent } from "./stream";
import type { RoomsChanged } from "../model";
import { event, glimpse, joined, Play } from "../testing/session-harness";

test("a first stream starts with recent events, every later one after the last event seen", () => {
  const p = new Play().do({ type: "start" });
  assert.deepEqual(p.start, { recent });

  p.frames(joined(9)).events(7, 8).end();
  assert.equal(p.start, undefined, "it waits first");
  p.do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.start, { after: { epoch: "e1", sequence: 8n } });
});

test("a stream that breaks before its first event starts the same way again", () => {
  const p = new Play().do({ type: "start" }).frames(joined(9));
  p.end().do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.start, { recent });
});

test("the cursor of an empty room is its head", () => {
  const p = new Play().live(0).end().do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.start, { after: { epoch: "e1", sequence: 0n } });
});

test("events that come again are shown once", () => {
  const p = new Play().live(3, 1, 2, 3).end().do({ type: "timer", timer: "reconnect" });
  p.frames(joined(4)).events(2, 3, 4, 4).frames({ kind: "caughtUp" });
  assert.deepEqual(p.shown, [1, 2, 3, 4]);
});

test("frames of a stream that was replaced are ignored", () => {
  const p = new Play().live(1, 1);
  const old = p.state.link.stream;
  p.end().do({ type: "frame", stream: old, frame: { kind: "event", event: event(2) } });
  assert.deepEqual(p.shown, [1]);
  p.do({ type: "timer", timer: "reconnect" });
  p.do({ type: "frame", stream: old, frame: { kind: "caughtUp" } }, { type: "ended", stream: old, end: { code: "unavailable", message: "" } });
  assert.equal(p.state.link.phase, "connecting");
});

test("sequences that don't grow by one are no gap, if previous says so", () => {
  const p = new Play().live(5, 5);
  p.frames({ kind: "event", event: event(90, { previous: 5n }) });
  assert.deepEqual(p.shown, [5, 90]);
  assert.equal(p.state.link.phase, "live");
});

test("a gap is asked for again, and the event after it waits", () => {
  const p = new Play().live(5, 5);
  p.frames({ kind: "event", event: event(8, { previous: 7n }) });
  assert.deepEqual(p.shown, [5]);
  assert.equal(p.of("close").length, 1);
  p.do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.start, { after: { epoch: "e1", sequence: 5n } });
  p.frames(joined(8)).events(6, 7, 8);
  assert.deepEqual(p.shown, [5, 6, 7, 8]);
  assert.deepEqual(p.state.timeline.holes, []);
});

test("a gap that stays is shown as one", () => {
  const p = new Play().live(5, 5);
  const after = { kind: "event" as const, event: event(8, { previous: 7n }) };
  p.frames(after).do({ type: "timer", timer: "reconnect" });
  p.frames(joined(8), after);
  assert.deepEqual(p.shown, [5, 8]);
  assert.deepEqual(p.state.timeline.holes, [8n]);
  assert.deepEqual(p.state.cursor, { epoch: "e1", sequence: 8n });
});

test("an event of an unknown kind moves the cursor and shows nothing", () => {
  const p = new Play().live(1, 1).frames({ kind: "event", event: event(2, { body: { kind: "other" } }) }).events(3);
  assert.deepEqual(p.shown, [1, 3]);
  assert.equal(p.state.link.phase, "live");
});

test("an ephemeral event leaves the cursor alone", () => {
  const p = new Play().live(4, 4).frames({ kind: "event", event: event(0, { previous: 0n, body: { kind: "other" } }) });
  assert.deepEqual(p.state.cursor, { epoch: "e1", sequence: 4n });
});

test("waits stay within bounds that double up to the highest", () => {
  for (let failures = 1; failures < 40; failures++) {
    const bound = Math.min(lastBound, firstBound * 2 ** (failures - 1));
    assert.equal(backoff(failures, () => 0), 0);
    assert.equal(backoff(failures, () => 0.5), bound / 2);
    assert.ok(backoff(failures, () => 0.999999) < bound);
  }
});

test("failures in a row make the wait longer, a stream that lived makes it short again", () => {
  const p = new Play().live();
  p.now += healthy;
  const waits = [];
  for (let i = 0; i < 8; i++) {
    p.end();
    waits.push(p.of("timer").find((t) => t.timer === "reconnect")?.after);
    assert.equal(p.state.link.retryAt, p.now + waits[i]!);
    p.do({ type: "timer", timer: "reconnect" });
  }
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 7_500, 7_500, 7_500]);

  p.frames(joined(0)).end();
  assert.equal(p.state.link.retryAt - p.now, 7_500, "a stream that broke at once is one more failure");
  p.do({ type: "timer", timer: "reconnect" }).frames(joined(0));
  p.now += healthy;
  p.end();
  assert.equal(p.state.link.retryAt - p.now, 250);
});

test("a draining server says when to come back", () => {
  const p = new Play().live(2, 1, 2);
  p.frames({ kind: "draining", reconnectAfter: 3_000 });
  assert.deepEqual(p.of("timer"), [{ type: "timer", timer: "reconnect", after: 3_000 }]);
  assert.equal(p.state.link.restarting, true);
  p.events(3);
  assert.deepEqual(p.shown, [1, 2, 3], "it still delivers");

  p.now += 3_000;
  p.do({ type: "timer", timer: "reconnect" });
  assert.equal(p.of("close").length, 1);
  assert.deepEqual(p.start, { after: { epoch: "e1", sequence: 3n } });
  p.frames(joined(3));
  assert.equal(p.state.link.restarting, false);
});

test("a draining server that ends the stream early is still given its time", () => {
  const p = new Play().live().frames({ kind: "draining", reconnectAfter: 3_000 });
  p.now += 1_000;
  p.end();
  assert.equal(p.state.link.phase, "waiting");
  assert.equal(p.state.link.retryAt, p.now + 2_000);
});

test("a reset drops what is shown, reads history and goes on after the head", () => {
  const p = new Play().live(2, 1, 2);
  p.frames({ kind: "reset", epoch: "e2", head: 20n });
  assert.deepEqual(p.shown, []);
  const [ask] = p.of("list");
  assert.equal(ask?.place, null);

  p.frames({ kind: "event", event: event(21) });
  const page = { epoch: "e2", events: [event(19), event(20), event(21), event(22)], more: true, next: { epoch: "e2", sequence: 22n } };
  p.do({ type: "page", serial: ask!.serial, page });
  assert.deepEqual(p.shown, [19, 20, 21]);
  p.events(22);
  assert.deepEqual(p.shown, [19, 20, 21, 22]);
  p.end().do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.start, { after: { epoch: "e2", sequence: 22n } });
});

test("what comes after the cursor is left to the stream, though a page has it", () => {
  const p = new Play().live(2, 1, 2).frames({ kind: "reset", epoch: "e2", head: 20n });
  const [ask] = p.of("list");
  const page = { epoch: "e2", events: [event(20), event(21)], more: false, next: { epoch: "e2", sequence: 21n } };
  p.do({ type: "page", serial: ask!.serial, page });
  assert.deepEqual(p.shown, [20]);
  p.events(21);
  assert.deepEqual(p.shown, [20, 21]);
});

test("a page that was asked for before a reset is not shown after it", () => {
  const p = new Play().live(9, 8, 9).do({ type: "earlier" });
  const [ask] = p.of("list");
  p.frames({ kind: "reset", epoch: "e1", head: 30n });
  p.do({ type: "page", serial: ask!.serial, page: { epoch: "e1", events: [event(7)], more: true, next: { epoch: "e1", sequence: 7n } } });
  assert.deepEqual(p.shown, []);
});

test("earlier messages are read before the oldest one, one page at a time", () => {
  const p = new Play().live(9, 8, 9).do({ type: "earlier" });
  const [ask] = p.of("list");
  assert.deepEqual(ask?.place, { before: { epoch: "e1", sequence: 8n } });
  assert.equal(p.do({ type: "earlier" }).of("list").length, 0, "one at a time");

  p.do({ type: "pageFailed", serial: ask!.serial, failure: { code: "unavailable", message: "gone" } });
  const [again] = p.do({ type: "earlier" }).of("list");
  p.do({ type: "page", serial: again!.serial, page: { epoch: "e1", events: [event(6), event(7)], more: false, next: { epoch: "e1", sequence: 7n } } });
  assert.deepEqual(p.shown, [6, 7, 8, 9]);
  assert.equal(p.do({ type: "earlier" }).of("list").length, 0, "nothing is left");
});

test("a stream that is silent for twice the heartbeat is given up", () => {
  const p = new Play().live(1, 1);
  p.now += 29_000;
  p.frames({ kind: "other" });
  p.now += 1_000;
  p.do({ type: "timer", timer: "watchdog" });
  assert.deepEqual(p.effects, [{ type: "timer", timer: "watchdog", after: 29_000 }], "something was heard a second ago");
  p.now += 29_000;
  p.do({ type: "timer", timer: "watchdog" });
  assert.equal(p.of("close").length, 1);
  assert.equal(p.state.link.phase, "waiting");
});

test("a stream that never says anything is given up", () => {
  const p = new Play().do({ type: "start" });
  assert.deepEqual(p.of("timer"), [{ type: "timer", timer: "watchdog", after: joinTimeout }]);
  p.now += joinTimeout;
  assert.equal(p.do({ type: "timer", timer: "watchdog" }).state.link.phase, "waiting");
});

test("waking up reconnects at once when waiting or silent, and else leaves the stream alone", () => {
  const p = new Play().live(1, 1).do({ type: "woke" });
  assert.equal(p.of("open").length, 0);
  p.now += 3_600_000; // asleep
  p.do({ type: "woke" });
  assert.deepEqual(p.start, { after: { epoch: "e1", sequence: 1n } });
  p.end().do({ type: "woke" });
  assert.equal(p.of("open").length, 1);
  assert.equal(p.do({ type: "woke" }).of("open").length, 0, "a try is under way");
});

test("who insists gets a new try at once, unless there is a stream", () => {
  const p = new Play().live(1, 1).do({ type: "reconnect" });
  assert.equal(p.of("open").length, 0);
  p.end().do({ type: "reconnect" });
  assert.equal(p.of("open").length, 1);
  p.do({ type: "reconnect" });
  assert.deepEqual([p.of("close").length, p.of("open").length], [1, 1]);
});

test("offline is a hint: the stream stays, and coming back shortens the wait", () => {
  const p = new Play().live(1, 1).do({ type: "network", online: false });
  assert.deepEqual(p.effects, []);
  assert.equal(p.state.link.phase, "live");
  p.state = { ...p.state, link: { ...p.state.link, attempt: 10 } };
  p.end();
  const before = p.state.link.retryAt;
  p.do({ type: "network", online: true });
  assert.ok(p.state.link.retryAt < before);
  assert.deepEqual(p.of("timer"), [{ type: "timer", timer: "reconnect", after: 250 }]);
});

test("a request that can't succeed is not repeated, unless somebody wants it", () => {
  const p = new Play().live().end("invalid_argument");
  assert.equal(p.state.link.phase, "refused");
  assert.equal(p.of("timer").length, 0);
  assert.equal(p.do({ type: "reconnect" }).of("open").length, 1);
});

test("a stream that moved to another tab is followed at once", () => {
  const p = new Play().live(1, 1);
  p.do({ type: "ended", stream: p.state.link.stream, end: { code: "unavailable", message: "", moved: true } });
  assert.deepEqual(p.start, { after: { epoch: "e1", sequence: 1n } });
  assert.equal(p.state.link.attempt, 0);
});

test("others' messages that nobody saw are counted", () => {
  const p = new Play().live(2, 1, 2);
  assert.equal(p.state.unread, 0, "what was said before is not new");
  p.do({ type: "looking", visible: false, atEnd: true }).events(3, 4);
  assert.equal(p.state.unread, 2);
  p.do({ type: "looking", visible: true, atEnd: false }).events(5);
  assert.equal(p.state.unread, 3);
  p.do({ type: "looking", visible: true, atEnd: true });
  assert.equal(p.state.unread, 0);
});

test("a long-lived page keeps a bounded number of messages, and can read the dropped ones again", () => {
  const p = new Play().live();
  for (let n = 1; n <= 1_101; n++) p.events(n);
  assert.equal(p.shown.length, 1_000);
  assert.equal(p.shown.at(-1), 1_101);
  const [ask] = p.do({ type: "earlier" }).of("list");
  assert.deepEqual(ask?.place, { before: { epoch: "e1", sequence: BigInt(p.shown[0]!) } });
});

test("how the room presents itself is known from the start, and follows", () => {
  const p = new Play().do({ type: "start" }).frames(joined(0, { displayName: "Lobby", topic: "hi" }));
  assert.deepEqual(p.state.presented, { displayName: "Lobby", topic: "hi" });
  p.frames(glimpse({ kind: "roomChanged", displayName: "", topic: "new" }));
  assert.deepEqual(p.state.presented, { displayName: "", topic: "new" });
});

test("only messages count as unread, and nothing ephemeral moves the cursor", () => {
  const p = new Play().live(1, 1).do({ type: "looking", visible: false, atEnd: true });
  p.frames(
    { kind: "event", event: event(2, { body: { kind: "reaction", target: 1n, emoji: "👍", removed: false } }) },
    { kind: "event", event: event(3, { body: { kind: "custom", type: "game.v1.Move" } }) },
    glimpse({ kind: "custom", type: "game.v1.Move" }), glimpse({ kind: "memberJoined", members: 2 }), glimpse({ kind: "other" }),
  );
  assert.deepEqual([p.state.unread, p.state.cursor?.sequence, p.state.link.phase], [0, 3n, "live"]);
  assert.deepEqual(p.shown, [1, 3]);
});

test("a room that refuses the visitor leaves the list of the others", () => {
  const p = new Play().do({ type: "start" }).end("permission_denied");
  assert.deepEqual(p.of("listRooms"), [{ type: "listRooms" }]);
});

test("the rooms are listed once for each stream, and what changes is passed on", () => {
  const first: RoomsChanged = { kind: "roomsChanged", rooms: [], removed: [], incomplete: true };
  const change: RoomsChanged = { ...first, removed: ["tea"], incomplete: false };
  const effects = (p: Play) => p.effects.filter((e) => e.type === "listRooms" || e.type === "roomsChanged");
  const p = new Play().live(1, 1);
  assert.deepEqual(effects(p.frames(first)), [{ type: "listRooms" }]);
  assert.deepEqual(effects(p.frames(change)), [{ type: "roomsChanged", change }]);
  assert.deepEqual(effects(p.frames(first)), [{ type: "roomsChanged", change: first }]);
  p.end().do({ type: "timer", timer: "reconnect" }).frames(joined(1));
  assert.deepEqual(effects(p.frames(first)), [{ type: "listRooms" }]);
});
