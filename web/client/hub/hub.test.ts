import assert from "node:assert/strict";
import { test } from "node:test";
import { firstBound } from "../backoff";
import { statusOf } from "../runtime/status";
import { ada, caughtUp, event, joined, message, SessionHarness, send } from "../testing/session-harness";
import { freshFor, joinTimeout } from "./connection";
import { maxRooms } from "./lines";
import { gatherTime, lingerTime } from "./streams";

const status = (p: SessionHarness) => statusOf(p.hub.connection, p.hub.auth);
const want = (tab: string, ...rooms: string[]) => ({
  type: "want" as const,
  tab,
  rooms: rooms.map((room) => ({ room, cursor: null })),
});
const rooms = (p: SessionHarness) =>
  p.of("openStream")[0]?.rooms.map(({ room, start }) => [room, Object.keys(start)[0]]);

test("a tab that wants another room gets a stream with both, from the cursor of the first one", () => {
  const p = new SessionHarness().live(2, 1, 2).do(want("other", "tea"));
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "resubscribe", after: gatherTime }]);
  p.do({ type: "timer", timer: "resubscribe" });
  assert.deepEqual(rooms(p), [
    ["lobby", "after"],
    ["tea", "recent"],
  ]);
  assert.deepEqual(p.startOf, { after: { epoch: "e1", sequence: 2n } });
});

test("a room that no tab wants leaves the stream after a while", () => {
  const p = new SessionHarness().live(1, 1).do(want("other", "tea"), { type: "timer", timer: "resubscribe" });
  p.frames(joined(1));
  p.do({ type: "frame", stream: p.hub.connection.stream, frame: joined(0, { room: "tea" }) }, want("other"));
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "resubscribe", after: lingerTime }]);
  p.do({ type: "timer", timer: "resubscribe" });
  assert.deepEqual(rooms(p), [["lobby", "after"]]);
  p.do(want("tab"), { type: "timer", timer: "resubscribe" });
  assert.equal(p.of("closeStream").length, 1, "without rooms there is no stream");
  assert.equal(p.hub.connection.phase, "idle");
});

test("a room that no tab wants any more while the stream is requested leaves it as well", () => {
  const p = new SessionHarness().live(1, 1).do(want("other", "tea"), { type: "timer", timer: "resubscribe" });
  assert.equal(p.hub.connection.phase, "connecting");
  p.do(want("tab"), want("other"));
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "resubscribe", after: lingerTime }]);
  p.frames(joined(1)).do({ type: "timer", timer: "resubscribe" });
  assert.equal(p.of("closeStream").length, 1, "without rooms there is no stream");
  assert.equal(p.hub.connection.phase, "idle");
});

test("a tab that wants a room of the stream is told where it is", () => {
  const p = new SessionHarness().live(2, 1, 2).do(want("other", "lobby"));
  const [told] = p.of("publish").map((e) => e.news);
  assert.ok(told?.type === "joined");
  assert.deepEqual([told.to, told.after, told.caughtUp], ["other", { epoch: "e1", sequence: 2n }, true]);
  assert.equal(p.of("startTimer").length, 0);
});

test("the stream has as many rooms as the contract allows, the newest ones", () => {
  const names = Array.from({ length: maxRooms + 5 }, (_, i) => `room-${i}`);
  const p = new SessionHarness().do(want("tab", ...names), { type: "timer", timer: "resubscribe" });
  assert.deepEqual(
    rooms(p)?.map(([room]) => room),
    names.slice(-maxRooms),
  );
});

test("a room that is refused does not keep the others from being followed", () => {
  const p = new SessionHarness().live(1, 1).do(want("other", "secret"), { type: "timer", timer: "resubscribe" });
  p.end("permission_denied", { room: "secret", reason: "RIGHT_REQUIRED" });
  assert.deepEqual(rooms(p), [["lobby", "after"]]);
  p.frames(joined(1), caughtUp);
  assert.equal(status(p), "live");
  p.do({ type: "reconnect" });
  assert.deepEqual(rooms(p)?.length, 2, "the user tries again");
});

test("live means that calls are answered as well", () => {
  const p = new SessionHarness();
  assert.equal(status(p), "connecting");
  p.live(1, 1);
  assert.equal(status(p), "live");
  p.do({ type: "callUnanswered" });
  assert.equal(status(p), "behind");
  assert.deepEqual(p.of("probe"), [{ type: "probe", serial: 1, room: "lobby" }]);
  p.do({ type: "probeAnswered", serial: 1 });
  assert.equal(status(p), "live");
});

test("a server that answers nothing is given up at once, and one that only streams is asked again", () => {
  const p = new SessionHarness().live(1, 1).do({ type: "callUnanswered" });
  p.now += 5_000;
  p.do({ type: "probeFailed", serial: 1 });
  assert.deepEqual([p.of("closeStream").length, status(p)], [1, "offline"]);

  const q = new SessionHarness().live(1, 1).do({ type: "callUnanswered" });
  q.now += 1_000;
  q.frames({ kind: "event", event: event(2) });
  q.do({ type: "probeFailed", serial: 1 });
  assert.deepEqual([q.of("closeStream").length, status(q)], [0, "behind"]);
  assert.deepEqual(
    q.of("startTimer").map((e) => e.timer),
    ["probe"],
  );
});

test("being offline, waking up and a late heartbeat are hints that are checked at once", () => {
  for (const input of [{ type: "networkChanged", online: false }, { type: "woke" }] as const) {
    const p = new SessionHarness().live(1, 1).do(input);
    assert.equal(p.of("probe").length, 1, input.type);
    assert.equal(status(p), "live", "until the check fails");
  }
});

test("when the user does something and the server was silent for a while, it is asked whether it is there", () => {
  const p = new SessionHarness().live(1, 1);
  p.now += freshFor - 1;
  p.do({ type: "attended" });
  assert.equal(p.of("probe").length, 0);
  p.now += 1;
  p.do({ type: "attended" });
  assert.equal(p.of("probe").length, 1);
  p.do({ type: "attended" });
  assert.equal(p.of("probe").length, 0, "it is being asked");
  p.do({ type: "probeAnswered", serial: 1 });
  p.now += freshFor - 1;
  p.do({ type: "attended" });
  assert.equal(p.of("probe").length, 0, "it has answered a moment ago");
  p.end().do({ type: "attended" });
  assert.equal(p.of("probe").length, 0, "there is no stream");
});

test("attempts that are not answered follow one another soon", () => {
  const p = new SessionHarness().live(1, 1).end();
  for (let i = 0; i < 5; i++) {
    p.do({ type: "timer", timer: "reconnect" });
    p.now += joinTimeout;
    p.do({ type: "timer", timer: "watchdog" });
    assert.equal(p.state.connection.phase, "waiting");
    assert.ok(p.state.connection.retryAt - p.now <= firstBound, `attempt ${i}`);
  }
  p.do({ type: "timer", timer: "reconnect" }).end();
  assert.ok(p.state.connection.retryAt - p.now > firstBound, "an attempt that fails at once waits longer each time");
});

test("a refused caller is told, and an application without a token is expired", () => {
  const p = new SessionHarness().start().end("permission_denied", { room: "lobby" });
  assert.equal(status(p), "refused");
  const q = new SessionHarness({ identity: null, provided: true }).start();
  q.do({ type: "signInFailed", serial: 1, failure: { code: "unauthenticated", message: "Sign in." } });
  assert.equal(status(q), "expired");
});

test("what is sent without any room goes without a stream", () => {
  const p = new SessionHarness().do(send("a", message("A")));
  assert.deepEqual(
    p.of("send").map((e) => [e.id, e.token]),
    [["a", ada.token]],
  );
});
