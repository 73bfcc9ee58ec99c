import assert from "node:assert/strict";
import { test } from "node:test";
import { maxFaults, restore, retryWindow } from "../state/outbox";
import { ada, event, joined, Play, saying } from "../testing/session-harness";
import type { Input, Outgoing } from "./step";

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
    p.do({ type: "said", id, body: saying(id) });
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
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") }, { type: "said", id: "b", body: saying("B") });
  p.do(failed("a"));
  assert.deepEqual(p.effects, [{ type: "timer", timer: "resend", after: 250 }]);
  assert.equal(p.do({ type: "said", id: "c", body: saying("C") }).of("send").length, 0, "it waits for its time");
  p.do({ type: "timer", timer: "resend" });
  assert.deepEqual(p.of("send"), [{ type: "send", id: "a", body: saying("A"), token: ada.token }]);
  assert.deepEqual(p.outbox, ["a sending", "b queued", "c queued"]);
});

test("what was waiting is sent as soon as the connection is back", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") }, failed("a")).end();
  p.do({ type: "timer", timer: "reconnect" });
  p.frames(joined(0));
  assert.deepEqual(p.of("send").map((e) => e.id), ["a"]);
});

test("an own message is shown once: the answer first, then the event", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") });
  p.do({ type: "sent", id: "a", receipt: receipt(1) });
  assert.deepEqual([p.outbox, p.shown], [["a stored"], []]);
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual([p.outbox, p.shown], [[], [1]]);
});

test("an own message is shown once: the event first, then the answer", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") }, { type: "said", id: "b", body: saying("B") });
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual([p.outbox, p.shown], [["b queued"], [1]]);
  p.do({ type: "sent", id: "a", receipt: receipt(1) });
  assert.deepEqual(p.of("send").map((e) => e.id), ["b"]);
});

test("an answer to a retry that was stored the first time adds nothing", () => {
  const p = new Play().live(7, 7).do({ type: "said", id: "a", body: saying("A") }, failed("a"));
  p.do({ type: "timer", timer: "resend" });
  p.frames({ kind: "event", event: event(8) });
  // The first try was stored as 7, which the page showed as its own before a reload.
  p.do({ type: "sent", id: "a", receipt: receipt(7) });
  assert.deepEqual([p.outbox, p.shown], [[], [7, 8]]);
});

test("a stored message that the stream begins after is not shown as on its way", () => {
  const p = new Play().do({ type: "start" }, { type: "said", id: "a", body: saying("A") }, { type: "sent", id: "a", receipt: receipt(4) });
  assert.deepEqual(p.outbox, ["a stored"]);
  p.frames(joined(4), { kind: "caughtUp" });
  assert.deepEqual(p.outbox, []);
});

test("somebody else's event with the same id confirms nothing", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") });
  p.frames({ kind: "event", event: event(1, { id: "a" }) });
  assert.deepEqual([p.outbox, p.shown], [["a sending"], [1]]);
  p.frames({ kind: "event", event: event(2, { id: "a", sender: { id: "", name: "anonymous" } }) });
  assert.deepEqual(p.outbox, ["a sending"]);
});

test("a send that the server refuses is set aside with the reason, and the next one goes", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") }, { type: "said", id: "b", body: saying("B") });
  p.do(failed("a", { code: "invalid_argument", message: "Too long." }));
  assert.deepEqual(p.outbox, ["a failed", "b sending"]);
  assert.equal(p.state.outbox[0]?.problem, "Too long.");
  assert.deepEqual(p.of("send").map((e) => e.id), ["b"]);
});

test("a failed send can be queued again behind the others with its id, or discarded", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") });
  p.do(failed("a", { code: "resource_exhausted", message: "" }), { type: "said", id: "b", body: saying("B") });
  p.do({ type: "retry", id: "a" });
  assert.deepEqual(p.outbox, ["b sending", "a queued"]);
  p.do({ type: "sent", id: "b", receipt: receipt(1) });
  assert.deepEqual(p.of("send").map((e) => e.id), ["a"]);
  p.do(failed("a", { code: "resource_exhausted", message: "" }), { type: "discard", id: "a" });
  assert.deepEqual(p.outbox, ["b stored"]);
});

test("a server that fails at a send is tried a few times only", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") });
  for (let i = 1; i < maxFaults; i++) {
    p.do(failed("a", { code: "internal", message: "Oops." }));
    assert.deepEqual(p.outbox, ["a queued"]);
    p.do({ type: "timer", timer: "resend" });
  }
  p.do(failed("a", { code: "internal", message: "Oops." }));
  assert.deepEqual(p.outbox, ["a failed"]);
});

test("retries end before the server forgets the id", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") });
  p.now += retryWindow - 1;
  p.do(failed("a"), { type: "timer", timer: "resend" });
  assert.deepEqual(p.outbox, ["a sending"]);
  p.now += 1;
  p.do(failed("a"));
  assert.deepEqual(p.outbox, ["a failed"]);
});

test("a reset forgets what is stored, and keeps what is not", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") }, { type: "said", id: "b", body: saying("B") });
  p.do({ type: "sent", id: "a", receipt: receipt(1) }).frames({ kind: "reset", epoch: "e2", head: 0n });
  assert.deepEqual(p.outbox, ["b sending"]);
});

test("a page that is loaded again sends what it had not sent, unless that is too long ago", () => {
  const left: Outgoing = { id: "a", body: saying("A"), time: 0, since: 0, status: "sending", attempts: 2, at: null, problem: "" };
  const outbox = restore([left, { ...left, id: "b", status: "stored" }, { ...left, id: "c", since: -retryWindow }], 1);
  assert.deepEqual(outbox.map((o) => `${o.id} ${o.status}`), ["a queued", "c failed"]);
  const p = new Play({ outbox }).do({ type: "start" });
  assert.deepEqual(p.of("send").map((e) => e.id), ["a"]);
});

const react = (id: string, removed = false): Input => ({ type: "changed", id, change: { kind: "reaction", target: 1n, emoji: "👍", removed } });
const refused = { code: "not_found", message: "There is no such message." };

test("what is done to messages goes the way of what is said, in order", () => {
  const p = new Play().live(1, 1).do({ type: "said", id: "a", body: saying("A") }, react("b"));
  assert.deepEqual(p.outbox, ["a sending", "b queued"]);
  p.do({ type: "sent", id: "a", receipt: receipt(2) });
  assert.deepEqual(p.of("send").map((e) => e.body), [{ kind: "reaction", target: 1n, emoji: "👍", removed: false }]);
  p.frames({ kind: "event", event: event(2, { id: "a", sender: ada.member }) });
  p.frames({ kind: "event", event: event(3, { id: "b", sender: ada.member, body: { kind: "reaction", target: 1n, emoji: "👍", removed: false } }) });
  assert.deepEqual([p.outbox, p.state.timeline.posts[0]!.reactions.length], [[], 1]);
});

test("a reaction that is taken back before it was sent is not sent", () => {
  const p = new Play().live(1, 1).do({ type: "said", id: "a", body: saying("A") }, react("b"), react("c", true));
  assert.deepEqual(p.outbox, ["a sending"]);
  p.do({ type: "sent", id: "a", receipt: receipt(2) }, react("d"), react("e", true));
  assert.deepEqual(p.outbox, ["a stored", "d sending", "e queued"]);
});

test("a change that changes nothing is answered with an event of before, and done", () => {
  const p = new Play().live(1, 1).do(react("a"), { type: "sent", id: "a", receipt: receipt(1) });
  assert.deepEqual(p.outbox, []);
});

test("a deletion ends what else was to be done to the message", () => {
  const p = new Play().live(1, 1).do(react("a"), failed("a", refused), { type: "said", id: "b", body: saying("B") }, react("c"));
  assert.deepEqual(p.outbox, ["a failed", "b sending", "c queued"]);
  p.frames({ kind: "event", event: event(2, { body: { kind: "deletion", target: 1n } }) });
  assert.deepEqual(p.outbox, ["b sending"]);
  const q = new Play().live(1, 1).do(react("a")).frames({ kind: "event", event: event(2, { body: { kind: "deletion", target: 1n } }) });
  assert.deepEqual(q.do(failed("a", refused)).outbox, [], "there is no message to say it at");
});

test("an answer to a message that was deleted can be said without it", () => {
  const p = new Play().live(1, 1).do({ type: "said", id: "a", body: saying("A", 1n) });
  p.frames({ kind: "event", event: event(2, { body: { kind: "deletion", target: 1n } }) }).do(failed("a", refused));
  assert.deepEqual(p.outbox, ["a failed"]);
  assert.deepEqual(p.do({ type: "retry", id: "a" }).of("send").map((e) => e.body), [saying("A")]);
});
