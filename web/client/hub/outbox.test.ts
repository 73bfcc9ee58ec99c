import assert from "node:assert/strict";
import { test } from "node:test";
import type { Failure } from "../failure";
import { ada, caughtUp, event, joined, message, reset, SessionHarness, send } from "../testing/session-harness";
import type { HubInput } from "./input";
import { maxServerErrors, retryWindow } from "./outbox";
import { newEntry, type OutboxEntry } from "./outbox-entry";

const gone: Failure = { code: "unavailable", message: "gone" };

function receipt(sequence: number) {
  return { epoch: "e1", sequence: BigInt(sequence), time: 5 };
}

function failed(id: string, failure = gone) {
  return { type: "sendFailed" as const, id, token: ada.token, failure };
}

test("sends go one at a time, each after the answer to the previous one", () => {
  const p = new SessionHarness().live();
  const sent: string[] = [];
  const collect = () => sent.push(...p.of("send").map((e) => e.id));
  for (const id of ["a", "b", "c"]) {
    p.do(send(id, message(id)));
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

test("a send with a transient failure is retried with its id before later ones", () => {
  const p = new SessionHarness().live().do(send("a", message("A")), send("b", message("B")));
  p.do(failed("a"));
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "resend", after: 250 }]);
  assert.equal(p.do(send("c", message("C"))).of("send").length, 0, "it waits for the delay");
  p.do({ type: "timer", timer: "resend" });
  assert.deepEqual(p.of("send"), [{ type: "send", room: "lobby", id: "a", body: message("A"), token: ada.token }]);
  assert.deepEqual(p.outbox, ["a sending", "b queued", "c queued"]);
});

test("queued sends go as soon as the stream is joined", () => {
  const p = new SessionHarness()
    .live()
    .do(send("a", message("A")), failed("a"))
    .end();
  p.do({ type: "timer", timer: "reconnect" });
  p.frames(joined(0));
  assert.deepEqual(
    p.of("send").map((e) => e.id),
    ["a"],
  );
});

test("an own message is shown once: the answer first, then the event", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  p.do({ type: "sent", id: "a", receipt: receipt(1) });
  assert.deepEqual([p.outbox, p.posts], [["a sent"], []]);
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual([p.outbox, p.posts], [[], [1]]);
});

test("an own message is shown once: the event first, then the answer", () => {
  const p = new SessionHarness().live().do(send("a", message("A")), send("b", message("B")));
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual([p.outbox, p.posts], [["b sending"], [1]], "the event is as good as the answer");
  p.do({ type: "sent", id: "a", receipt: receipt(1) });
  assert.deepEqual([p.outbox, p.of("send")], [["b sending"], []]);
});

test("the answer to a retry of a stored send adds nothing", () => {
  const p = new SessionHarness().live(7, 7).do(send("a", message("A")), failed("a"));
  p.do({ type: "timer", timer: "resend" });
  p.frames({ kind: "event", event: event(8) });
  // The first attempt was stored as 7, which was received before a reload.
  p.do({ type: "sent", id: "a", receipt: receipt(7) });
  assert.deepEqual([p.outbox, p.posts], [[], [7, 8]]);
});

test("a stored message before the start of the stream leaves the outbox", () => {
  const p = new SessionHarness().do(send("a", message("A")), { type: "sent", id: "a", receipt: receipt(4) });
  assert.deepEqual(p.outbox, ["a sent"]);
  p.start().frames(joined(4), caughtUp);
  assert.deepEqual(p.outbox, []);
});

test("another member's event with the same id confirms nothing", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  p.frames({ kind: "event", event: event(1, { id: "a" }) });
  assert.deepEqual([p.outbox, p.posts], [["a sending"], [1]]);
  p.frames({ kind: "event", event: event(2, { id: "a", sender: { id: "", name: "anonymous" } }) });
  assert.deepEqual(p.outbox, ["a sending"]);
});

test("a refused send fails with the reason, and the next one is sent", () => {
  const p = new SessionHarness().live().do(send("a", message("A")), send("b", message("B")));
  p.do(failed("a", { code: "invalid_argument", message: "Too long." }));
  assert.deepEqual(p.outbox, ["a failed", "b sending"]);
  assert.equal(p.state.outbox.entries[0]?.failure?.message, "Too long.");
  assert.deepEqual(
    p.of("send").map((e) => e.id),
    ["b"],
  );
});

test("a failed send can be queued again after the others, or discarded", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  p.do(failed("a", { code: "resource_exhausted", message: "" }), send("b", message("B")));
  p.do({ type: "retry", id: "a", body: message("A") });
  assert.deepEqual(p.outbox, ["b sending", "a queued"]);
  p.do({ type: "sent", id: "b", receipt: receipt(1) });
  assert.deepEqual(
    p.of("send").map((e) => e.id),
    ["a"],
  );
  p.do(failed("a", { code: "resource_exhausted", message: "" }), { type: "discard", id: "a" });
  assert.deepEqual(p.outbox, ["b sent"]);
});

test("a send that came too often is sent again after the wait that the server asks for", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  const tooMuch: Failure = { code: "resource_exhausted", message: "Wait 3 s.", retryAfter: 2_500 };
  p.do(failed("a", tooMuch));
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "resend", after: 2_500 }]);
  assert.deepEqual([p.outbox, p.state.outbox.entries[0]?.failure?.message], [["a queued"], "Wait 3 s."]);
  p.do(send("b", message("B")));
  assert.equal(p.of("send").length, 0, "the next one waits, too");
  p.do({ type: "timer", timer: "resend" });
  assert.deepEqual(
    p.of("send").map((e) => e.id),
    ["a"],
  );
});

test("internal errors are retried a few times only", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  for (let i = 1; i < maxServerErrors; i++) {
    p.do(failed("a", { code: "internal", message: "Oops." }));
    assert.deepEqual(p.outbox, ["a queued"]);
    p.do({ type: "timer", timer: "resend" });
  }
  p.do(failed("a", { code: "internal", message: "Oops." }));
  assert.deepEqual(p.outbox, ["a failed"]);
});

test("retries end before the server forgets the id", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  p.now += retryWindow - 1;
  p.do(failed("a"), { type: "timer", timer: "resend" });
  assert.deepEqual(p.outbox, ["a sending"]);
  p.now += 1;
  p.do(failed("a"));
  assert.deepEqual(p.outbox, ["a failed"]);
});

test("an entry whose outcome is not known is not attempted when the stream was gone for too long", () => {
  const p = new SessionHarness().live().do(send("a", message("A")), send("b", message("B")));
  p.do(failed("a")).end();
  p.now += retryWindow;
  p.do({ type: "timer", timer: "reconnect" }).frames(joined(1));
  assert.deepEqual(p.outbox, ["a failed", "b sending"]);
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual(p.outbox, ["b sending"], "it was stored");
});

test("a reset drops stored entries, and keeps the others", () => {
  const p = new SessionHarness().live().do(send("a", message("A")), send("b", message("B")));
  p.do({ type: "sent", id: "a", receipt: receipt(1) }).frames(reset("e2", 0n));
  assert.deepEqual(p.outbox, ["b sending"]);
});

test("stored entries are sent before those that came since, unless they were attempted too long ago", () => {
  const p = new SessionHarness();
  p.hub = { ...p.hub, outbox: { ...p.hub.outbox, loaded: false } };
  p.live().do(send("d", message("D")));
  assert.equal(p.of("send").length, 0, "what is stored goes first");
  const left: OutboxEntry = { ...newEntry("a", "lobby", message("A"), 1), status: "sending", attempts: 2 };
  const entries: OutboxEntry[] = [
    { ...left, attemptedAt: p.now - 1 },
    { ...left, id: "b", attemptedAt: p.now - retryWindow },
    { ...left, id: "c", attemptedAt: 0, status: "queued" },
    newEntry("d", "lobby", message("D"), 1),
  ];
  p.do({ type: "restored", entries });
  assert.deepEqual(p.outbox, ["a sending", "b failed", "c queued", "d queued"]);
  assert.deepEqual(
    p.of("send").map((e) => e.id),
    ["a"],
  );
});

test("nothing is attempted without a connection, however long that lasts", () => {
  const p = new SessionHarness()
    .live()
    .end()
    .do(send("a", message("A")));
  assert.equal(p.of("send").length, 0);
  p.now += 24 * 3_600_000;
  p.do({ type: "timer", timer: "reconnect" }).frames(joined(0), caughtUp);
  assert.deepEqual(
    p.of("send").map((e) => e.id),
    [],
  );
  assert.deepEqual(p.outbox, ["a sending"]);
});

test("rooms do not wait for one another", () => {
  const p = new SessionHarness().live().do(send("a", message("A")), send("b", message("B"), "tea"));
  assert.deepEqual(
    p.of("send").map((e) => [e.room, e.id]),
    [["tea", "b"]],
  );
  p.do(send("c", message("C"), "tea"), failed("a", { ...gone, retryAfter: 60_000 }));
  p.do({ type: "sent", id: "b", receipt: receipt(1) });
  assert.deepEqual(
    p.of("send").map((e) => [e.room, e.id]),
    [["tea", "c"]],
  );
});

test("an entry that a tab repeats is sent once", () => {
  const p = new SessionHarness().live().do(send("a", message("A")), send("a", message("A")));
  assert.deepEqual(p.outbox, ["a sending"]);
});

const react = (id: string, removed = false): HubInput =>
  send(id, { kind: "reaction", target: 1n, emoji: "👍", removed });
const refused: Failure = { code: "not_found", message: "There is no such message." };

test("changes to messages are sent in order with messages", () => {
  const p = new SessionHarness().live(1, 1).do(send("a", message("A")), react("b"));
  assert.deepEqual(p.outbox, ["a sending", "b queued"]);
  p.do({ type: "sent", id: "a", receipt: receipt(2) });
  assert.deepEqual(
    p.of("send").map((e) => e.body),
    [{ kind: "reaction", target: 1n, emoji: "👍", removed: false }],
  );
  p.frames({ kind: "event", event: event(2, { id: "a", sender: ada.member }) });
  p.frames({
    kind: "event",
    event: event(3, {
      id: "b",
      sender: ada.member,
      body: { kind: "reaction", target: 1n, emoji: "👍", removed: false },
    }),
  });
  assert.deepEqual([p.outbox, p.state.timeline.posts[0]!.reactions.length], [[], 1]);
});

test("a reaction that is removed before it was sent is not sent", () => {
  const p = new SessionHarness().live(1, 1).do(send("a", message("A")), react("b"), react("c", true));
  assert.deepEqual(p.outbox, ["a sending"]);
  p.do({ type: "sent", id: "a", receipt: receipt(2) }, react("d"), react("e", true));
  assert.deepEqual(p.outbox, ["a sent", "d sending", "e queued"]);
});

test("a change that has no effect is confirmed by an earlier event", () => {
  const p = new SessionHarness().live(1, 1).do(react("a"), { type: "sent", id: "a", receipt: receipt(1) });
  assert.deepEqual(p.outbox, []);
});

test("a deletion drops the other changes to the message", () => {
  const p = new SessionHarness()
    .live(1, 1)
    .do(
      react("a"),
      failed("a", { code: "invalid_argument", message: "No emoji." }),
      send("b", message("B")),
      react("c"),
    );
  assert.deepEqual(p.outbox, ["a failed", "b sending", "c queued"]);
  p.frames({ kind: "event", event: event(2, { body: { kind: "deletion", target: 1n } }) });
  assert.deepEqual(p.outbox, ["b sending"]);
  const q = new SessionHarness()
    .live(1, 1)
    .do(react("a"))
    .frames({ kind: "event", event: event(2, { body: { kind: "deletion", target: 1n } }) });
  assert.deepEqual(q.do(failed("a", refused)).outbox, [], "there is no message to show the reason at");
});

test("a reply to a deleted message can be sent as a plain message", () => {
  const p = new SessionHarness().live(1, 1).do(send("a", message("A", 1n)));
  p.frames({ kind: "event", event: event(2, { body: { kind: "deletion", target: 1n } }) }).do(failed("a", refused));
  assert.deepEqual(p.outbox, ["a failed"]);
  assert.deepEqual(
    p
      .do({ type: "retry", id: "a", body: message("A") })
      .of("send")
      .map((e) => e.body),
    [message("A")],
  );
});

test("an application's next user does not send what the one before has written", () => {
  const p = new SessionHarness({ identity: null, provided: true }).start();
  const nobody = { id: "", name: "" };
  p.do({ type: "signedIn", serial: 1, identity: { token: "t1", member: nobody, expires: 0 } });
  const entries = [
    newEntry("a", "lobby", message("A"), 1, { sender: "bob" }),
    newEntry("b", "lobby", message("B"), 1, { sender: "ada" }),
  ];
  p.do({ type: "restored", entries }).frames(joined(0));
  assert.deepEqual(
    p.of("send").map((e) => e.id),
    ["b"],
  );
});

test("a guest does not send what an account or a user of an application has written, but what it wrote under another id", () => {
  const p = new SessionHarness().start();
  const entries = [
    newEntry("a", "lobby", message("A"), 1, { sender: "account:1", byGuest: false }),
    newEntry("b", "lobby", message("B"), 1, { sender: "ada-before", byGuest: true }),
  ];
  p.do({ type: "restored", entries }).frames(joined(0));
  assert.deepEqual(
    p.of("send").map((e) => e.id),
    ["b"],
  );
});
