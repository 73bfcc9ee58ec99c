import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, event, joined, Play, saying } from "../testing/session-harness";
import { renewBefore } from "../state/auth";

const stale = { code: "unauthenticated", message: "The token is not valid." };
const again = { ...ada, token: "token-2", member: { id: "ada-2", name: "Ada" } };

test("without a name the room is read without a token, and nothing is sent", () => {
  const p = new Play({ identity: null }).do({ type: "start" });
  assert.deepEqual(p.of("open").map((e) => e.token), [""]);
  assert.equal(p.of("signIn").length, 0);
});

test("a name signs in, is kept, and reopens the stream as that member where it was", () => {
  const p = new Play({ identity: null }).live(3, 2, 3).do({ type: "named", name: "Ada" });
  const [ask] = p.of("signIn");
  assert.deepEqual(ask, { type: "signIn", serial: 1, name: "Ada", token: "" });
  p.do({ type: "signedIn", serial: 1, identity: ada });
  assert.deepEqual(p.of("keep").map((e) => e.identity), [ada]);
  assert.deepEqual(p.of("open").map((e) => [e.token, e.start]), [[ada.token, { after: { epoch: "e1", sequence: 3n } }]]);
});

test("a name that is refused is said to be, and the stream goes on", () => {
  const p = new Play({ identity: null }).live().do({ type: "named", name: "?" });
  p.do({ type: "signInFailed", serial: 1, failure: { code: "invalid_argument", message: "No." } });
  assert.equal(p.state.who.problem, "No.");
  assert.equal(p.state.link.phase, "live");
});

test("a token that the stream is refused leads to a sign-in with the stored name, once", () => {
  const p = new Play().do({ type: "start" }).end("unauthenticated");
  assert.deepEqual(p.of("signIn").map((e) => [e.name, e.token]), [["Ada", ""]]);
  p.do({ type: "signedIn", serial: 1, identity: again });
  assert.deepEqual(p.of("open").map((e) => e.token), ["token-2"]);
  p.end("unauthenticated");
  assert.equal(p.of("signIn").length, 0, "a new token that is refused too is no matter of age");
  assert.equal(p.state.link.phase, "waiting");
});

test("a token that a send is refused leads to a sign-in, and the send goes again with its id", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") });
  p.do({ type: "sendFailed", id: "a", token: ada.token, failure: stale });
  assert.deepEqual(p.of("signIn").map((e) => e.name), ["Ada"]);
  assert.deepEqual(p.outbox, ["a queued"]);
  p.do({ type: "signedIn", serial: 1, identity: again });
  assert.deepEqual(p.of("send").map((e) => [e.id, e.token]), [["a", "token-2"]]);
});

test("messages of the identity before are still ours", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") });
  p.do({ type: "sendFailed", id: "a", token: ada.token, failure: stale }, { type: "signedIn", serial: 1, identity: again });
  p.frames(joined(1));
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual([p.outbox, p.shown], [[], [1]]);
});

test("an expired token is not even tried", () => {
  const p = new Play({ identity: { ...ada, expires: 1_000_000 } }).do({ type: "start" });
  assert.equal(p.of("open").length, 0);
  assert.deepEqual(p.of("signIn").map((e) => [e.name, e.token]), [["Ada", ""]]);
  p.do({ type: "signInFailed", serial: 1, failure: { code: "unavailable", message: "" } });
  assert.equal(p.state.link.phase, "waiting");
  p.do({ type: "timer", timer: "reconnect" });
  assert.equal(p.of("signIn").length, 1);
});

test("a stored name that is refused now brings back the form, and the room without a token", () => {
  const p = new Play({ identity: { ...ada, expires: 1 } }).do({ type: "start" });
  p.do({ type: "signInFailed", serial: 1, failure: { code: "invalid_argument", message: "No." } });
  assert.deepEqual(p.of("open").map((e) => e.token), [""]);
  assert.equal(p.state.who.problem, "No.");
});

test("a token that ends soon is renewed while the stream goes on", () => {
  const p = new Play({ identity: { ...ada, expires: 1_000_000 + renewBefore - 1 } }).do({ type: "start" });
  assert.equal(p.of("open").length, 1);
  assert.deepEqual(p.of("signIn").map((e) => e.token), [ada.token]);
  p.do({ type: "signedIn", serial: 1, identity: { ...ada, token: "token-2" } });
  assert.equal(p.of("open").length, 0, "the member is the same");
  assert.equal(p.of("keep").length, 1);
});

test("a change of name renews the token, or starts afresh if that is not valid", () => {
  const p = new Play().live().do({ type: "named", name: "Lady Ada" });
  assert.deepEqual(p.of("signIn").map((e) => [e.name, e.token]), [["Lady Ada", ada.token]]);
  p.do({ type: "signInFailed", serial: 1, failure: stale });
  assert.deepEqual(p.of("signIn").map((e) => [e.name, e.token]), [["Lady Ada", ""]]);
});

test("an identity from another tab is taken over, and not kept again", () => {
  const p = new Play({ identity: null }).live().do({ type: "adopted", identity: ada });
  assert.equal(p.of("keep").length, 0);
  assert.deepEqual(p.of("open").map((e) => e.token), [ada.token]);
  assert.deepEqual(p.do({ type: "adopted", identity: ada }).effects, []);
});

test("an answer to a sign-in that was replaced counts for nothing", () => {
  const p = new Play({ identity: null }).live().do({ type: "named", name: "A" }, { type: "named", name: "Ada" });
  p.do({ type: "signedIn", serial: 1, identity: again });
  assert.equal(p.state.who.identity, null);
  p.do({ type: "signedIn", serial: 2, identity: ada });
  assert.equal(p.state.who.identity, ada);
});
