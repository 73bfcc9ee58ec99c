import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, firstBound, lastBound } from "../backoff";
import { healthyAfter, heartbeatGrace, joinTimeout } from "../hub/connection";
import { recentEvents } from "../hub/lines";
import type { RoomsChangedFrame } from "../model";
import { rightsOf } from "../state/rights";
import { caughtUp, ephemeral, event, joined, reset, SessionHarness } from "../testing/session-harness";

test("the first stream starts with recent events, later ones at the cursor", () => {
  const p = new SessionHarness().start();
  assert.deepEqual(p.startOf, { recent: recentEvents });

  p.frames(joined(9)).events(7, 8).end();
  assert.equal(p.startOf, undefined, "a delay comes first");
  p.do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.startOf, { after: { epoch: "e1", sequence: 8n } });
});

test("a stream that breaks before its first event is repeated", () => {
  const p = new SessionHarness().start().frames(joined(9));
  p.end().do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.startOf, { recent: recentEvents });
});

test("the cursor of an empty room is its head", () => {
  const p = new SessionHarness().live(0).end().do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.startOf, { after: { epoch: "e1", sequence: 0n } });
});

test("repeated events are added once", () => {
  const p = new SessionHarness().live(3, 1, 2, 3).end().do({ type: "timer", timer: "reconnect" });
  p.frames(joined(4)).events(2, 3, 4, 4).frames(caughtUp);
  assert.deepEqual(p.posts, [1, 2, 3, 4]);
});

test("frames of a stream that was replaced are ignored", () => {
  const p = new SessionHarness().live(1, 1);
  const old = p.state.connection.stream;
  p.end().do({ type: "frame", stream: old, frame: { kind: "event", event: event(2) } });
  assert.deepEqual(p.posts, [1]);
  p.do({ type: "timer", timer: "reconnect" });
  p.do(
    { type: "frame", stream: old, frame: caughtUp },
    { type: "ended", stream: old, end: { code: "unavailable", message: "" } },
  );
  assert.equal(p.state.connection.phase, "connecting");
});

test("sequences may skip numbers without a gap", () => {
  const p = new SessionHarness().live(5, 5);
  p.frames({ kind: "event", event: event(90, { previous: 5n }) });
  assert.deepEqual(p.posts, [5, 90]);
  assert.equal(p.state.connection.phase, "live");
});

test("events missing in a gap are requested, and the event after it waits", () => {
  const p = new SessionHarness().live(5, 5);
  p.frames({ kind: "event", event: event(8, { previous: 7n }) });
  assert.deepEqual(p.posts, [5]);
  assert.equal(p.of("closeStream").length, 1);
  p.do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.startOf, { after: { epoch: "e1", sequence: 5n } });
  p.frames(joined(8)).events(6, 7, 8);
  assert.deepEqual(p.posts, [5, 6, 7, 8]);
  assert.deepEqual(p.state.timeline.gaps, []);
});

test("a gap that remains is marked", () => {
  const p = new SessionHarness().live(5, 5);
  const after = { kind: "event" as const, event: event(8, { previous: 7n }) };
  p.frames(after).do({ type: "timer", timer: "reconnect" });
  p.frames(joined(8), after);
  const [ask] = p.of("catchUp");
  assert.deepEqual(
    [p.posts, ask?.position],
    [[5], { after: { epoch: "e1", sequence: 5n } }],
    "the history may have it",
  );
  p.do({
    type: "caughtUpTo",
    serial: ask!.serial,
    page: { epoch: "e1", events: [], more: false, next: { epoch: "e1", sequence: 5n } },
  });
  assert.deepEqual(p.posts, [5, 8]);
  assert.deepEqual(p.state.timeline.gaps, [8n]);
  assert.deepEqual(p.state.cursor, { epoch: "e1", sequence: 8n });
});

test("an event of an unknown kind moves the cursor and adds nothing", () => {
  const p = new SessionHarness()
    .live(1, 1)
    .frames({ kind: "event", event: event(2, { body: { kind: "other" } }) })
    .events(3);
  assert.deepEqual(p.posts, [1, 3]);
  assert.equal(p.state.connection.phase, "live");
});

test("an ephemeral event does not move the cursor", () => {
  const p = new SessionHarness()
    .live(4, 4)
    .frames({ kind: "event", event: event(0, { previous: 0n, body: { kind: "other" } }) });
  assert.deepEqual(p.state.cursor, { epoch: "e1", sequence: 4n });
});

test("a refused stream is opened again after the wait that the server asks for", () => {
  const p = new SessionHarness().start();
  const { stream } = p.state.connection;
  p.do({ type: "ended", stream, end: { code: "resource_exhausted", message: "Wait 5 s.", retryAfter: 5_000 } });
  assert.deepEqual(
    p.of("startTimer").map((e) => [e.timer, e.after]),
    [["reconnect", 5_000]],
  );
  assert.equal(p.state.connection.phase, "waiting");
});

test("delays have bounds that double up to the highest", () => {
  for (let failures = 1; failures < 40; failures++) {
    const bound = Math.min(lastBound, firstBound * 2 ** (failures - 1));
    assert.equal(
      backoff(failures, () => 0),
      0,
    );
    assert.equal(
      backoff(failures, () => 0.5),
      bound / 2,
    );
    assert.ok(backoff(failures, () => 0.999999) < bound);
  }
});

test("the delay grows with failures in a row, and is reset by a healthy stream", () => {
  const p = new SessionHarness().live();
  p.now += healthyAfter;
  const waits = [];
  for (let i = 0; i < 8; i++) {
    p.end();
    waits.push(p.of("startTimer").find((t) => t.timer === "reconnect")?.after);
    assert.equal(p.state.connection.retryAt, p.now + waits[i]!);
    p.do({ type: "timer", timer: "reconnect" });
  }
  assert.deepEqual(waits, [250, 500, 1_000, 2_000, 4_000, 7_500, 7_500, 7_500]);

  p.frames(joined(0)).end();
  assert.equal(p.state.connection.retryAt - p.now, 7_500, "a stream that broke at once is one more failure");
  p.do({ type: "timer", timer: "reconnect" }).frames(joined(0));
  p.now += healthyAfter;
  p.end();
  assert.equal(p.state.connection.retryAt - p.now, 250);
});

test("a draining server announces when to reconnect", () => {
  const p = new SessionHarness().live(2, 1, 2);
  p.frames({ kind: "draining", reconnectAfter: 3_000 });
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "reconnect", after: 3_000 }]);
  assert.equal(p.state.connection.draining, true);
  p.events(3);
  assert.deepEqual(p.posts, [1, 2, 3], "it still delivers");

  p.now += 3_000;
  p.do({ type: "timer", timer: "reconnect" });
  assert.equal(p.of("closeStream").length, 1);
  assert.deepEqual(p.startOf, { after: { epoch: "e1", sequence: 3n } });
  p.frames(joined(3));
  assert.equal(p.state.connection.draining, false);
});

test("the announced delay counts even if the draining server ends the stream early", () => {
  const p = new SessionHarness().live().frames({ kind: "draining", reconnectAfter: 3_000 });
  p.now += 1_000;
  p.end();
  assert.equal(p.state.connection.phase, "waiting");
  assert.equal(p.state.connection.retryAt, p.now + 2_000);
});

test("a reset drops the timeline, loads the newest page and continues after the head", () => {
  const p = new SessionHarness().live(2, 1, 2);
  p.frames(reset("e2", 20n));
  assert.deepEqual(p.posts, []);
  const [ask] = p.of("listEvents");
  assert.equal(ask?.position, null);

  p.frames({ kind: "event", event: event(21) });
  const page = {
    epoch: "e2",
    events: [event(19), event(20), event(21), event(22)],
    more: true,
    next: { epoch: "e2", sequence: 22n },
  };
  p.do({ type: "pageLoaded", serial: ask!.serial, page });
  assert.deepEqual(p.posts, [19, 20, 21]);
  p.events(22);
  assert.deepEqual(p.posts, [19, 20, 21, 22]);
  p.end().do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(p.startOf, { after: { epoch: "e2", sequence: 22n } });
});

test("events after the cursor come from the stream, not from a page", () => {
  const p = new SessionHarness().live(2, 1, 2).frames(reset("e2", 20n));
  const [ask] = p.of("listEvents");
  const page = { epoch: "e2", events: [event(20), event(21)], more: false, next: { epoch: "e2", sequence: 21n } };
  p.do({ type: "pageLoaded", serial: ask!.serial, page });
  assert.deepEqual(p.posts, [20]);
  p.events(21);
  assert.deepEqual(p.posts, [20, 21]);
});

test("a page requested before a reset is ignored", () => {
  const p = new SessionHarness().live(9, 8, 9).do({ type: "loadEarlier" });
  const [ask] = p.of("listEvents");
  p.frames(reset("e1", 30n));
  p.do({
    type: "pageLoaded",
    serial: ask!.serial,
    page: { epoch: "e1", events: [event(7)], more: true, next: { epoch: "e1", sequence: 7n } },
  });
  assert.deepEqual(p.posts, []);
});

test("earlier messages are loaded before the oldest one, one page at a time", () => {
  const p = new SessionHarness().live(9, 8, 9).do({ type: "loadEarlier" });
  const [ask] = p.of("listEvents");
  assert.deepEqual(ask?.position, { before: { epoch: "e1", sequence: 8n } });
  assert.equal(p.do({ type: "loadEarlier" }).of("listEvents").length, 0, "one at a time");

  p.do({ type: "pageFailed", serial: ask!.serial, failure: { code: "unavailable", message: "gone" } });
  const [again] = p.do({ type: "loadEarlier" }).of("listEvents");
  p.do({
    type: "pageLoaded",
    serial: again!.serial,
    page: { epoch: "e1", events: [event(6), event(7)], more: false, next: { epoch: "e1", sequence: 7n } },
  });
  assert.deepEqual(p.posts, [6, 7, 8, 9]);
  assert.equal(p.do({ type: "loadEarlier" }).of("listEvents").length, 0, "nothing is left");
});

test("a stream that is silent for two heartbeats is closed", () => {
  const p = new SessionHarness().live(1, 1);
  p.now += 14_000;
  p.frames({ kind: "other" });
  p.now += 4_000;
  p.do({ type: "timer", timer: "watchdog" });
  assert.deepEqual(
    p.effects,
    [{ type: "startTimer", timer: "watchdog", after: 11_000 + heartbeatGrace }],
    "the last frame came four seconds ago",
  );
  p.now += 14_000;
  p.do({ type: "timer", timer: "watchdog" });
  assert.equal(p.of("probe").length, 1, "a heartbeat is late: the server is asked whether it answers");
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "watchdog", after: 12_000 }]);
  p.do({ type: "probeAnswered", serial: 1 });
  p.now += 12_000;
  p.do({ type: "timer", timer: "watchdog" });
  assert.equal(p.of("closeStream").length, 1);
  assert.equal(p.state.connection.phase, "waiting");
});

test("a stream without a first frame is closed", () => {
  const p = new SessionHarness().start();
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "watchdog", after: joinTimeout }]);
  p.now += joinTimeout;
  assert.equal(p.do({ type: "timer", timer: "watchdog" }).state.connection.phase, "waiting");
});

test("waking up reconnects at once when waiting or silent", () => {
  const p = new SessionHarness().live(1, 1).do({ type: "woke" });
  assert.equal(p.of("openStream").length, 0);
  p.now += 3_600_000; // asleep
  p.do({ type: "woke" });
  assert.deepEqual(p.startOf, { after: { epoch: "e1", sequence: 1n } });
  p.end().do({ type: "woke" });
  assert.equal(p.of("openStream").length, 1);
  assert.equal(p.do({ type: "woke" }).of("openStream").length, 0, "an attempt is in flight");
});

test("the user's reconnect starts a new attempt, unless there is a stream", () => {
  const p = new SessionHarness().live(1, 1).do({ type: "reconnect" });
  assert.equal(p.of("openStream").length, 0);
  p.end().do({ type: "reconnect" });
  assert.equal(p.of("openStream").length, 1);
  p.do({ type: "reconnect" });
  assert.deepEqual([p.of("closeStream").length, p.of("openStream").length], [1, 1]);
});

test("offline is a hint: the stream stays open, and online shortens the delay", () => {
  const p = new SessionHarness().live(1, 1).do({ type: "networkChanged", online: false });
  assert.deepEqual(
    p.effects.map((e) => e.type),
    ["stopTimer", "probe"],
    "it is checked at once",
  );
  assert.equal(p.state.connection.phase, "live");
  p.do({ type: "probeAnswered", serial: 1 });
  p.hub = { ...p.hub, connection: { ...p.hub.connection, failures: 10 } };
  p.end();
  const before = p.state.connection.retryAt;
  p.do({ type: "networkChanged", online: true });
  assert.ok(p.state.connection.retryAt < before);
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "reconnect", after: 250 }]);
});

test("a refused stream is only repeated by the user", () => {
  const p = new SessionHarness().live().end("invalid_argument");
  assert.equal(p.state.connection.phase, "refused");
  assert.equal(p.of("startTimer").length, 0);
  assert.equal(p.do({ type: "reconnect" }).of("openStream").length, 1);
});

test("messages of others outside the viewport are unread", () => {
  const p = new SessionHarness().live(2, 1, 2);
  assert.equal(p.state.unread, 0, "the replay is not new");
  p.do({ type: "viewportChanged", visible: false, atEnd: true }).events(3, 4);
  assert.equal(p.state.unread, 2);
  p.do({ type: "viewportChanged", visible: true, atEnd: false }).events(5);
  assert.equal(p.state.unread, 3);
  p.do({ type: "viewportChanged", visible: true, atEnd: true });
  assert.equal(p.state.unread, 0);
});

test("the timeline keeps a bounded number of messages, and can load dropped ones again", () => {
  const p = new SessionHarness().live();
  for (let n = 1; n <= 1_101; n++) p.events(n);
  assert.equal(p.posts.length, 1_000);
  assert.equal(p.posts.at(-1), 1_101);
  const [ask] = p.do({ type: "loadEarlier" }).of("listEvents");
  assert.deepEqual(ask?.position, { before: { epoch: "e1", sequence: BigInt(p.posts[0]!) } });
});

test("the room's profile is known from the start, and updated", () => {
  const p = new SessionHarness().start().frames(joined(0, { displayName: "Lobby", topic: "hi" }));
  assert.deepEqual(p.state.profile, { displayName: "Lobby", topic: "hi" });
  p.frames(ephemeral({ kind: "roomChanged", displayName: "", topic: "new" }));
  assert.deepEqual(p.state.profile, { displayName: "", topic: "new" });
});

test("the rights are those of the member of the last stream", () => {
  const all = { post: true, react: true, editOwn: true, manage: false, moderate: false, muted: null };
  const p = new SessionHarness().start();
  assert.equal(rightsOf(p.state), null);
  p.frames(joined(0, { rights: all }));
  assert.deepEqual(rightsOf(p.state), all);
  const muted = { ...all, post: false, muted: { until: 0, reason: "noise" } };
  p.frames({ kind: "rightsChanged", room: "lobby", rights: muted });
  assert.deepEqual(rightsOf(p.state), muted);
  p.frames({ kind: "rightsChanged", room: "tea", rights: all });
  assert.deepEqual(rightsOf(p.state), muted, "those in another room are others");
  // Those of another member, or from before signing in, are not the user's.
  p.frames(joined(0, { rights: all, member: { id: "", name: "anonymous" } }));
  assert.equal(rightsOf(p.state), null);
  p.frames(joined(0));
  assert.equal(rightsOf(p.state), null);
});

test("only messages count as unread, and ephemeral events do not move the cursor", () => {
  const p = new SessionHarness().live(1, 1).do({ type: "viewportChanged", visible: false, atEnd: true });
  p.frames(
    { kind: "event", event: event(2, { body: { kind: "reaction", target: 1n, emoji: "👍", removed: false } }) },
    { kind: "event", event: event(3, { body: { kind: "custom", type: "game.v1.Move", value: new Uint8Array() } }) },
    ephemeral({ kind: "custom", type: "game.v1.Move", value: new Uint8Array() }),
    ephemeral({ kind: "memberJoined", members: 2 }),
    ephemeral({ kind: "other" }),
  );
  assert.deepEqual([p.state.unread, p.state.cursor?.sequence, p.state.connection.phase], [0, 3n, "live"]);
  assert.deepEqual(p.posts, [1, 3]);
});

test("a room that refuses the member still lists the other rooms", () => {
  const p = new SessionHarness().start().end("permission_denied");
  assert.deepEqual(roomNews(p), [{ type: "listRooms" }]);
  assert.equal(p.state.connection.phase, "refused");
});

test("the rooms are listed once for each stream, then changes are passed on", () => {
  const first: RoomsChangedFrame = { kind: "roomsChanged", rooms: [], removed: [], incomplete: true };
  const change: RoomsChangedFrame = { ...first, removed: ["tea"], incomplete: false };
  const p = new SessionHarness().live(1, 1);
  assert.deepEqual(roomNews(p.frames(first)), [{ type: "listRooms" }]);
  assert.deepEqual(roomNews(p.frames(change)), [{ type: "roomsChanged", change }]);
  assert.deepEqual(roomNews(p.frames(first)), [{ type: "roomsChanged", change: first }]);
  p.end().do({ type: "timer", timer: "reconnect" }).frames(joined(1));
  assert.deepEqual(roomNews(p.frames(first)), [{ type: "listRooms" }]);
});

/** What the last input tells of the list of rooms. */
function roomNews(p: SessionHarness): unknown[] {
  return p
    .of("publish")
    .map((e) => e.news)
    .filter((news) => news.type === "listRooms" || news.type === "roomsChanged");
}
