import assert from "node:assert/strict";
import { test } from "node:test";
import type { Failure } from "../failure";
import { ada, caughtUp, event, joined, message, SessionHarness, send } from "../testing/session-harness";
import { renewBefore, sessionEnded } from "./auth";

const stale: Failure = { code: "unauthenticated", message: "The token is not valid." };
const again = { ...ada, token: "token-2", member: { id: "ada-2", name: "Ada" } };

test("without a name the room is read without a token", () => {
  const p = new SessionHarness({ identity: null }).start();
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    [""],
  );
  assert.equal(p.of("signIn").length, 0);
});

test("signing in stores the identity and reopens the stream at the cursor", () => {
  const p = new SessionHarness({ identity: null }).live(3, 2, 3).do({ type: "signIn", name: "Ada" });
  const [ask] = p.of("signIn");
  assert.deepEqual(ask, { type: "signIn", serial: 1, name: "Ada", token: "" });
  p.do({ type: "signedIn", serial: 1, identity: ada });
  assert.deepEqual(
    p.of("storeIdentity").map((e) => e.identity),
    [ada],
  );
  assert.deepEqual(
    p.of("openStream").map((e) => [e.token, e.rooms[0]!.start]),
    [[ada.token, { after: { epoch: "e1", sequence: 3n } }]],
  );
});

test("a refused name shows the reason, and the stream stays open", () => {
  const p = new SessionHarness({ identity: null }).live().do({ type: "signIn", name: "?" });
  p.do({ type: "signInFailed", serial: 1, failure: { code: "invalid_argument", message: "No." } });
  assert.equal(p.state.auth.failure?.message, "No.");
  assert.equal(p.state.connection.phase, "live");
});

test("a stream with a refused token signs in again with the stored name, once", () => {
  const p = new SessionHarness().start().end("unauthenticated");
  assert.deepEqual(
    p.of("signIn").map((e) => [e.name, e.token]),
    [["Ada", ""]],
  );
  p.do({ type: "signedIn", serial: 1, identity: again });
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    ["token-2"],
  );
  p.end("unauthenticated");
  assert.equal(p.of("signIn").length, 0, "a new token that is refused as well is not replaced");
  assert.equal(p.state.connection.phase, "waiting");
});

test("a send with a refused token signs in again, and is repeated with its id", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  p.do({ type: "sendFailed", id: "a", token: ada.token, failure: stale });
  assert.deepEqual(
    p.of("signIn").map((e) => e.name),
    ["Ada"],
  );
  assert.deepEqual(p.outbox, ["a queued"]);
  p.do({ type: "signedIn", serial: 1, identity: again }).frames(joined(0));
  assert.deepEqual(
    p.of("send").map((e) => [e.id, e.token]),
    [["a", "token-2"]],
  );
});

test("messages of an earlier identity are own messages", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  p.do(
    { type: "sendFailed", id: "a", token: ada.token, failure: stale },
    { type: "signedIn", serial: 1, identity: again },
  );
  p.frames(joined(1));
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  assert.deepEqual([p.outbox, p.posts], [[], [1]]);
});

test("the device's clock does not decide whether a token is used", () => {
  const p = new SessionHarness({ identity: { ...ada, expires: 1 } }).start();
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    [ada.token],
  );
  assert.equal(p.of("signIn").length, 0);
  const tokenExpires = 40 * 24 * 3_600_000;
  p.frames(joined(0, {}, { tokenExpires }), caughtUp, { kind: "heartbeat", time: tokenExpires - renewBefore - 1 });
  assert.equal(p.of("signIn").length, 0);
});

test("a sign-in that fails is repeated after a delay", () => {
  const p = new SessionHarness().start().end("unauthenticated");
  p.do({ type: "signInFailed", serial: 1, failure: { code: "unavailable", message: "" } });
  assert.equal(p.state.connection.phase, "waiting");
  p.do({ type: "timer", timer: "reconnect" });
  assert.equal(p.of("signIn").length, 1);
});

test("a stored name that is refused leads to the form, and to a stream without a token", () => {
  const p = new SessionHarness().start().end("unauthenticated");
  p.do({ type: "signInFailed", serial: 1, failure: { code: "invalid_argument", message: "No." } });
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    [""],
  );
  assert.equal(p.state.auth.failure?.message, "No.");
});

test("a token that expires soon by the server's clock is renewed, and the stream continues with the new one", () => {
  const tokenExpires = 40 * 24 * 3_600_000;
  const p = new SessionHarness().start().frames(joined(0, {}, { tokenExpires, streamId: "s1" }), caughtUp);
  p.frames({ kind: "heartbeat", time: tokenExpires - renewBefore + 1 });
  assert.deepEqual(
    p.of("signIn").map((e) => e.token),
    [ada.token],
  );
  assert.equal(p.frames({ kind: "heartbeat", time: tokenExpires }).of("signIn").length, 0, "once at a time");
  p.do({ type: "signedIn", serial: 1, identity: { ...ada, token: "token-2" } });
  assert.equal(p.of("openStream").length, 0, "the member is the same");
  assert.equal(p.of("storeIdentity").length, 1);
  assert.deepEqual(p.of("renewStream"), [{ type: "renewStream", stream: 1, streamId: "s1", token: "token-2" }]);
  const { stream } = p.hub.connection;
  p.do({ type: "renewFailed", stream });
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    ["token-2"],
    "another node has the stream",
  );
});

test("an application's token is renewed when the server says that it expires", () => {
  const p = new SessionHarness({ identity: null, provided: true }).start();
  assert.deepEqual(p.of("fetchToken"), [{ type: "fetchToken", serial: 1 }]);
  const nobody = { id: "", name: "" };
  p.do({ type: "signedIn", serial: 1, identity: { token: "t1", member: nobody, expires: 0 } });
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    ["t1"],
  );
  p.frames(joined(0, {}, { streamId: "s1" }), caughtUp);
  assert.deepEqual(p.state.auth.identity?.member, ada.member, "the stream says which member it is");
  p.frames({ kind: "expiring", timeLeft: 60_000 });
  assert.deepEqual(p.of("fetchToken"), [{ type: "fetchToken", serial: 2 }]);
  p.do({ type: "signedIn", serial: 2, identity: { token: "t2", member: nobody, expires: 0 } });
  assert.deepEqual(p.of("renewStream"), [{ type: "renewStream", stream: 1, streamId: "s1", token: "t2" }]);
  assert.deepEqual(p.state.auth.memberIds, ["ada"]);
  assert.equal(p.of("storeIdentity").length, 0);
});

test("an application without another token is expired", () => {
  const p = new SessionHarness({ identity: null, provided: true }).start();
  p.do({ type: "signedIn", serial: 1, identity: { token: "t1", member: { id: "", name: "" }, expires: 0 } });
  p.end("unauthenticated");
  assert.equal(p.of("fetchToken").length, 1);
  p.do({ type: "signedIn", serial: 2, identity: { token: "t2", member: { id: "", name: "" }, expires: 0 } });
  p.end("unauthenticated");
  assert.deepEqual([p.hub.connection.phase, p.hub.connection.expired], ["waiting", true]);
});

test("a change of name renews the token, or gets a new one if it is refused", () => {
  const p = new SessionHarness().live().do({ type: "signIn", name: "Lady Ada" });
  assert.deepEqual(
    p.of("signIn").map((e) => [e.name, e.token]),
    [["Lady Ada", ada.token]],
  );
  p.do({ type: "signInFailed", serial: 1, failure: stale });
  assert.deepEqual(
    p.of("signIn").map((e) => [e.name, e.token]),
    [["Lady Ada", ""]],
  );
});

test("an identity from another tab is used, and not stored again", () => {
  const p = new SessionHarness({ identity: null }).live().do({ type: "identityShared", identity: ada });
  assert.equal(p.of("storeIdentity").length, 0);
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    [ada.token],
  );
  assert.deepEqual(p.do({ type: "identityShared", identity: ada }).effects, []);
});

test("the answer to a sign-in that was replaced is ignored", () => {
  const p = new SessionHarness({ identity: null })
    .live()
    .do({ type: "signIn", name: "A" }, { type: "signIn", name: "Ada" });
  p.do({ type: "signedIn", serial: 1, identity: again });
  assert.equal(p.state.auth.identity, null);
  p.do({ type: "signedIn", serial: 2, identity: ada });
  assert.equal(p.state.auth.identity, ada);
});

test("signing out forgets the identity and what is not sent, revokes the token, and reopens the stream", () => {
  const p = new SessionHarness().live(3).do(send("x", message("unsent")), { type: "signOut" });
  assert.deepEqual(p.of("signOut"), [{ type: "signOut", token: ada.token }]);
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    [""],
  );
  const { auth } = p.state;
  assert.deepEqual([auth.identity, auth.name, auth.memberIds, p.outbox], [null, "", [], []]);
  p.do({ type: "sent", id: "x", receipt: { epoch: "e1", sequence: 4n, time: 1 } });
  assert.deepEqual(p.outbox, []);
});

test("signing out in another tab is signing out here, without a second revocation", () => {
  const p = new SessionHarness().live(3).do({ type: "identityShared", identity: null });
  assert.deepEqual([p.of("signOut").length, p.of("openStream").length, p.state.auth.identity], [0, 1, null]);
  p.do({ type: "identityShared", identity: null });
  assert.equal(p.effects.length, 0);
});

test("a server that lets no guests sign in says so, and the room stays readable", () => {
  const p = new SessionHarness().live(3).end("unauthenticated");
  assert.equal(p.of("signIn").length, 1);
  const { serial } = p.state.auth;
  p.do({ type: "signInFailed", serial, failure: { code: "permission_denied", message: "No guests." } });
  assert.equal(p.state.auth.failure?.message, "No guests.");
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    [""],
  );
});

const account = {
  token: "token-account",
  member: { id: "account:1", name: "Ada Lovelace" },
  expires: 1e13,
  account: { formerIds: ["ada", "ada-2"] },
};

test("an account owns what its guests have sent, and has its own id", () => {
  const p = new SessionHarness().live().do({ type: "identityShared", identity: account });
  assert.deepEqual(p.state.auth.memberIds, ["ada", "ada-2", "account:1"]);
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    ["token-account"],
  );
  const later = new SessionHarness({ identity: account });
  assert.deepEqual(later.state.auth.memberIds, ["ada", "ada-2", "account:1"]);
});

test("an account whose token is refused does not become a guest of its name", () => {
  const p = new SessionHarness({ identity: account }).start().end("unauthenticated");
  assert.equal(p.of("signIn").length, 0);
  assert.deepEqual(
    p.of("openStream").map((e) => e.token),
    [""],
  );
  assert.equal(p.state.auth.name, "");
  assert.equal(p.state.auth.failure, sessionEnded);
  assert.deepEqual(p.state.auth.memberIds, []);
  p.do({ type: "identityShared", identity: null });
  assert.equal(p.state.auth.failure, null, "another tab has signed out");
  p.do({ type: "identityShared", identity: { ...account, token: "token-again" } });
  assert.equal(p.state.auth.failure, null);
  assert.equal(p.state.auth.name, "Ada Lovelace");
});

test("the token of an account is not renewed, and its end is shown", () => {
  const p = new SessionHarness({ identity: account }).start().frames(joined(0, { member: account.member }), caughtUp);
  assert.equal(p.frames({ kind: "expiring", timeLeft: 60_000 }).of("signIn").length, 0);
  p.end("unauthenticated");
  assert.equal(p.of("signIn").length, 0);
  assert.equal(p.state.auth.failure, sessionEnded);
});
