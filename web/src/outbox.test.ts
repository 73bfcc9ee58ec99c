import assert from "node:assert/strict";
import { test } from "node:test";
import { maxFaults, restore, retryWindow } from "./outbox";
import { ada, event, Play } from "./play";
import type { Outgoing } from "./turn";

const gone = { code: "unavailable", message: "gone" };

function receipt(sequence: number) {
  return { epoch: "e1", sequence: BigInt(sequence), time: 5 };
}

function failed(id: string, failure = gone) {
  return { type: "sendFailed" as const, id, token: ada.token, failure };
}

test("sends go one at a time, each after the answer to the one before", () => {
  const p = new Play().live();
  const sent: string[] = [];
  const collect = () => sent.push(...p.of("send").map((e) => e.id));
  for (const id of ["a", "b", "c"]) {
    p.do({ type: "said", id, text: id });
    collect();
  }
  assert.deepEqual(sent, ["a"]);
  p.do({ type: "sent", id: "a", receipt: receipt(1) });
  collect();
  assert.deepEqual(sent, ["a", "b"]);
  p.do({ type: "sent", id: "b", receipt: receipt(2) });
  collect();
  assert.deepEqual(sent, ["a", "b", "c"]);
});

test("a send that may have failed on the way is retried with its id, before those behind it", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" }, { type: "said", id: "b", text: "B" });
  p.do(failed("a"));
  assert.deepEqual(p.effects, [{ type: "timer", timer: "resend", after: 250 }]);
  assert.equal(p.do({ type: "said", id: "c", text: "C" }).of("send").length, 0, "it waits for its time");
  p.do({ type: "timer", timer: "resend" });
  assert.deepEqual(p.of("send"), [{ type: "send", id: "a", text: "A", token: ada.token }]);
  assert.deepEqual(p.outbox, ["a sending", "b queued", "c queued"]);
});

test("what was waiting is sent as soon as the connection is back", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" }, failed("a")).end();
  p.do({ type: "timer", timer: "reconnect" });
  p.frames({ kind: "joined", epoch: "e1", head: 0n, heartbeat: 15_000 });
  assert.deepEqual(p.of("send").map((e) => e.id), ["a"]);
});

test("an own message is shown once: the answer first, then the event", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" });
  p.do({ type: "sent", id: "a", receipt: receipt(1) });
  assert.deepEqual([p.outbox, p.shown], [["a stored"], []]);
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual([p.outbox, p.shown], [[], [1]]);
});

test("an own message is shown once: the event first, then the answer", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" }, { type: "said", id: "b", text: "B" });
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual([p.outbox, p.shown], [["b queued"], [1]]);
  p.do({ type: "sent", id: "a", receipt: receipt(1) });
  assert.deepEqual(p.of("send").map((e) => e.id), ["b"]);
});

test("an answer to a retry that was stored the first time adds nothing", () => {
  const p = new Play().live(7, 7).do({ type: "said", id: "a", text: "A" }, failed("a"));
  p.do({ type: "timer", timer: "resend" });
  p.frames({ kind: "event", event: event(8) });
  // The first try was stored as 7, which the page showed as its own before a reload.
  p.do({ type: "sent", id: "a", receipt: receipt(7) });
  assert.deepEqual([p.outbox, p.shown], [[], [7, 8]]);
});

test("a stored message that the stream begins after is not shown as on its way", () => {
  const p = new Play().do({ type: "start" }, { type: "said", id: "a", text: "A" }, { type: "sent", id: "a", receipt: receipt(4) });
  assert.deepEqual(p.outbox, ["a stored"]);
  p.frames({ kind: "joined", epoch: "e1", head: 4n, heartbeat: 15_000 }, { kind: "caughtUp" });
  assert.deepEqual(p.outbox, []);
});

test("somebody else's event with the same id confirms nothing", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" });
  p.frames({ kind: "event", event: event(1, { id: "a" }) });
  assert.deepEqual([p.outbox, p.shown], [["a sending"], [1]]);
  p.frames({ kind: "event", event: event(2, { id: "a", sender: { id: "", name: "anonymous" } }) });
  assert.deepEqual(p.outbox, ["a sending"]);
});

test("a send that the server refuses is set aside with the reason, and the next one goes", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" }, { type: "said", id: "b", text: "B" });
  p.do(failed("a", { code: "invalid_argument", message: "Too long." }));
  assert.deepEqual(p.outbox, ["a failed", "b sending"]);
  assert.equal(p.state.outbox[0]?.problem, "Too long.");
  assert.deepEqual(p.of("send").map((e) => e.id), ["b"]);
});

test("a failed send can be queued again behind the others with its id, or discarded", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" });
  p.do(failed("a", { code: "resource_exhausted", message: "" }), { type: "said", id: "b", text: "B" });
  p.do({ type: "retry", id: "a" });
  assert.deepEqual(p.outbox, ["b sending", "a queued"]);
  p.do({ type: "sent", id: "b", receipt: receipt(1) });
  assert.deepEqual(p.of("send").map((e) => e.id), ["a"]);
  p.do(failed("a", { code: "resource_exhausted", message: "" }), { type: "discard", id: "a" });
  assert.deepEqual(p.outbox, ["b stored"]);
});

test("a server that fails at a send is tried a few times only", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" });
  for (let i = 1; i < maxFaults; i++) {
    p.do(failed("a", { code: "internal", message: "Oops." }));
    assert.deepEqual(p.outbox, ["a queued"]);
    p.do({ type: "timer", timer: "resend" });
  }
  p.do(failed("a", { code: "internal", message: "Oops." }));
  assert.deepEqual(p.outbox, ["a failed"]);
});

test("retries end before the server forgets the id", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" });
  p.now += retryWindow - 1;
  p.do(failed("a"), { type: "timer", timer: "resend" });
  assert.deepEqual(p.outbox, ["a sending"]);
  p.now += 1;
  p.do(failed("a"));
  assert.deepEqual(p.outbox, ["a failed"]);
});

test("a reset forgets what is stored, and keeps what is not", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" }, { type: "said", id: "b", text: "B" });
  p.do({ type: "sent", id: "a", receipt: receipt(1) }).frames({ kind: "reset", epoch: "e2", head: 0n });
  assert.deepEqual(p.outbox, ["b sending"]);
});

test("a page that is loaded again sends what it had not sent, unless that is too long ago", () => {
  const left: Outgoing = { id: "a", text: "A", time: 0, since: 0, status: "sending", attempts: 2, at: null, problem: "" };
  const outbox = restore([left, { ...left, id: "b", status: "stored" }, { ...left, id: "c", since: -retryWindow }], 1);
  assert.deepEqual(outbox.map((o) => `${o.id} ${o.status}`), ["a queued", "c failed"]);
  const p = new Play({ outbox }).do({ type: "start" });
  assert.deepEqual(p.of("send").map((e) => e.id), ["a"]);
});
