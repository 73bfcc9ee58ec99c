import assert from "node:assert/strict";
import { test } from "node:test";
import { caughtUp, joined, SessionHarness } from "../../client/testing/session-harness";
import { connectionReport, isDisconnected, showDelay } from "./connection-report";

const report = (p: SessionHarness) => connectionReport(p.state);

test("each state of the connection has a report", () => {
  const p = new SessionHarness();
  const is = (kind: string) => assert.equal(report(p).kind, kind);
  p.start();
  is("connecting");
  p.end();
  is("unreachable");
  p.do({ type: "timer", timer: "reconnect" });
  is("unreachable");
  p.frames(joined(0));
  is("catchingUp");
  p.frames(caughtUp);
  is("live");
  p.do({ type: "callUnanswered" });
  is("unanswered");
  p.do({ type: "networkChanged", online: false });
  is("offline");
  p.do({ type: "networkChanged", online: true }, { type: "callAnswered" });
  is("live");
  p.frames({ kind: "draining", reconnectAfter: 1_000 });
  is("restarting");
  p.end();
  is("restarting");
  p.do({ type: "timer", timer: "reconnect" }).frames(joined(0)).end();
  is("lost");
  p.do({ type: "networkChanged", online: false });
  is("offline");
  p.do({ type: "reconnect" }).end("permission_denied");
  assert.deepEqual(report(p), { kind: "refused" });
});

test("a lost connection shows when the next attempt starts", () => {
  const p = new SessionHarness().live();
  assert.deepEqual(report(p), { kind: "live" });
  p.end();
  assert.deepEqual(report(p), { kind: "lost", retryAt: p.now + 250 });
  p.do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(report(p), { kind: "lost", retryAt: 0 });
});

test("a message that the server does not take yet is reported, one that has failed is not", () => {
  const { connection, outbox } = new SessionHarness().live().state;
  const entry = {
    id: "a",
    body: { kind: "message", text: "hi", replyTo: 0n },
    time: 1,
    retryAfter: 0,
    at: null,
  } as const;
  const full = { code: "resource_exhausted", message: "Full." } as const;
  const entries = [
    { ...entry, status: "queued", failure: full },
    { ...entry, id: "b", status: "queued", failure: null },
  ] as const;
  assert.deepEqual(connectionReport({ connection, outbox: { ...outbox, entries } }), {
    kind: "unsent",
    count: 1,
    failure: full,
  });
  const failed = { ...outbox, entries: [{ ...entry, status: "failed", failure: full }] as const };
  assert.deepEqual(connectionReport({ connection, outbox: failed }), { kind: "live" });
});

test("what usually passes in a moment is shown late", () => {
  assert.equal(showDelay({ kind: "lost", retryAt: 0 }), 500);
  assert.equal(showDelay({ kind: "unanswered" }), 0);
  assert.equal(isDisconnected({ kind: "unreachable", retryAt: 0 }), true);
  assert.equal(isDisconnected({ kind: "unanswered" }), false);
});
