import assert from "node:assert/strict";
import { test } from "node:test";
import { joined, Play } from "../../client/testing/session-harness";
import { report } from "./connection-status";

test("each state of the connection has its words", () => {
  const p = new Play();
  const says = (text: string) => assert.equal(report(p.state).text, text);
  p.do({ type: "start" });
  says("Connecting…");
  p.end();
  says("No connection");
  p.do({ type: "timer", timer: "reconnect" });
  says("No connection");
  p.frames(joined(0));
  says("Catching up…");
  p.frames({ kind: "caughtUp" });
  says("Live");
  p.frames({ kind: "draining", reconnectAfter: 1_000 });
  says("The server is restarting");
  p.end();
  says("The server is restarting");
  p.do({ type: "timer", timer: "reconnect" }).frames(joined(0)).end();
  says("Connection lost");
  p.do({ type: "network", online: false });
  says("You seem to be offline");
  p.do({ type: "reconnect" }).end("permission_denied");
  says("The server refuses: gone");
});

test("it says until when a connection is waited for, and when it is tried", () => {
  const p = new Play().live();
  assert.deepEqual(report(p.state), { tone: "good", text: "Live", again: null });
  p.end();
  assert.deepEqual(report(p.state), { tone: "bad", text: "Connection lost", again: p.now + 250 });
  p.do({ type: "timer", timer: "reconnect" });
  assert.deepEqual(report(p.state), { tone: "bad", text: "Connection lost", again: 0 });
});
