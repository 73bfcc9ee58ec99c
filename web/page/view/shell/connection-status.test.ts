import assert from "node:assert/strict";
import { test } from "node:test";
import { caughtUp, joined, SessionHarness } from "../../../client/testing/session-harness";
import { statusReport } from "./connection-status";

test("each state of the connection has a text", () => {
  const p = new SessionHarness();
  const says = (text: string) => assert.equal(statusReport(p.state.connection).text, text);
  p.start();
  says("Connecting…");
  p.end();
  says("No connection");
  p.do({ type: "timer", timer: "reconnect" });
  says("No connection");
  p.frames(joined(0));
  says("Catching up…");
  p.frames(caughtUp);
  says("Live");
  p.frames({ kind: "draining", reconnectAfter: 1_000 });
  says("The server is restarting");
  p.end();
  says("The server is restarting");
  p.do({ type: "timer", timer: "reconnect" }).frames(joined(0)).end();
  says("Connection lost");
  p.do({ type: "networkChanged", online: false });
  says("You seem to be offline");
  p.do({ type: "reconnect" }).end("permission_denied");
  says("The server refuses: gone");
});

test("a lost connection shows when the next attempt starts", () => {
  const p = new SessionHarness().live();
  assert.deepEqual(statusReport(p.state.connection), { tone: "good", text: "Live", retryAt: null });
  p.end();
  assert.deepEqual(statusReport(p.state.connection), { tone: "bad", text: "Connection lost", retryAt: p.now + 250 });
  p.do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(statusReport(p.state.connection), { tone: "bad", text: "Connection lost", retryAt: 0 });
});
