import assert from "node:assert/strict";
import { test } from "node:test";
import { notifyInterval, typingTimeout } from "../state/typing";
import { ada, ephemeral, event, SessionHarness } from "../testing/session-harness";

const typing = (stopped = false) => ({ kind: "typing" as const, stopped });

function writers(p: SessionHarness): string[] {
  return p.state.typing.others.map((o) => o.member.name);
}

test("a member counts as typing until the timeout after the last notification", () => {
  const p = new SessionHarness().live().frames(ephemeral(typing()));
  assert.deepEqual(writers(p), ["Bob"]);
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "typing", after: typingTimeout }]);
  p.now += typingTimeout - 1_000;
  p.frames(ephemeral(typing()));
  p.now += 1_000;
  p.do({ type: "timer", timer: "typing" });
  assert.deepEqual(
    [writers(p), p.of("startTimer").map((t) => t.timer === "typing" && t.after)],
    [["Bob"], [typingTimeout - 1_000]],
  );
  p.now += typingTimeout - 1_000;
  p.do({ type: "timer", timer: "typing" });
  assert.deepEqual([writers(p), p.effects], [[], []]);
});

test("a message, a stop, leaving and the end of the stream end typing", () => {
  const begin = () => new SessionHarness().live().frames(ephemeral(typing()));
  assert.deepEqual(writers(begin().events(1)), []);
  assert.deepEqual(writers(begin().frames(ephemeral(typing(true)))), []);
  assert.deepEqual(writers(begin().frames(ephemeral({ kind: "memberLeft", members: 1 }))), []);
  assert.deepEqual(writers(begin().live()), []);
  assert.deepEqual(writers(begin().frames({ kind: "event", event: event(1, { sender: ada.member }) })), ["Bob"]);
});

test("a member who is renamed while typing is shown by the new name", () => {
  const p = new SessionHarness().live().frames(ephemeral(typing()));
  const renamed = ephemeral({ kind: "memberRenamed" });
  assert.equal(renamed.kind, "event");
  const { sender } = renamed.event;
  p.frames({ ...renamed, event: { ...renamed.event, sender: { ...sender, name: "Bobby" } } });
  assert.deepEqual(writers(p), ["Bobby"]);
});

test("own notifications and those of callers without a token are ignored", () => {
  const p = new SessionHarness()
    .live()
    .frames(ephemeral(typing(), ada.member), ephemeral(typing(), { id: "", name: "anonymous" }));
  assert.deepEqual(writers(p), []);
});

test("others are notified of typing once per interval, and of its end", () => {
  const p = new SessionHarness().live();
  const told = (empty: boolean) =>
    p
      .do({ type: "draftChanged", empty })
      .of("sendTyping")
      .map((e) => e.stopped);
  assert.deepEqual(told(true), [], "nothing was sent before");
  assert.deepEqual(told(false), [false]);
  p.now += notifyInterval - 1;
  assert.deepEqual(told(false), []);
  p.now += 1;
  assert.deepEqual(told(false), [false]);
  assert.deepEqual(told(true), [true]);
  assert.deepEqual(told(true), []);
});

test("a message ends typing, and without a stream or a token nothing is sent", () => {
  const p = new SessionHarness().live().do({ type: "draftChanged", empty: false }, { type: "draftSent" });
  assert.deepEqual(p.do({ type: "draftChanged", empty: true }).of("sendTyping"), []);
  assert.deepEqual(
    new SessionHarness({ identity: null }).live().do({ type: "draftChanged", empty: false }).effects,
    [],
  );
  assert.deepEqual(new SessionHarness().live().end().do({ type: "draftChanged", empty: false }).effects, []);
});
