import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, event, glimpse, Play } from "../testing/session-harness";
import { holds, tellEvery } from "../state/typing";

const typing = (stopped = false) => ({ kind: "typing" as const, stopped });

function writers(p: Play): string[] {
  return p.state.typing.others.map((o) => o.member.name);
}

test("somebody who writes is shown for a while, unless it comes again", () => {
  const p = new Play().live().frames(glimpse(typing()));
  assert.deepEqual(writers(p), ["Bob"]);
  assert.deepEqual(p.of("timer"), [{ type: "timer", timer: "typists", after: holds }]);
  p.now += holds - 1_000;
  p.frames(glimpse(typing()));
  p.now += 1_000;
  p.do({ type: "timer", timer: "typists" });
  assert.deepEqual([writers(p), p.of("timer").map((t) => t.timer === "typists" && t.after)], [["Bob"], [holds - 1_000]]);
  p.now += holds - 1_000;
  p.do({ type: "timer", timer: "typists" });
  assert.deepEqual([writers(p), p.effects], [[], []]);
});

test("a message, a stop, leaving and the end of the stream end it", () => {
  const begin = () => new Play().live().frames(glimpse(typing()));
  assert.deepEqual(writers(begin().events(1)), []);
  assert.deepEqual(writers(begin().frames(glimpse(typing(true)))), []);
  assert.deepEqual(writers(begin().frames(glimpse({ kind: "memberLeft", members: 1 }))), []);
  assert.deepEqual(writers(begin().live()), []);
  assert.deepEqual(writers(begin().frames({ kind: "event", event: event(1, { sender: ada.member }) })), ["Bob"]);
});

test("nobody is told of oneself, or of callers without a token", () => {
  const p = new Play().live().frames(glimpse(typing(), ada.member), glimpse(typing(), { id: "", name: "anonymous" }));
  assert.deepEqual(writers(p), []);
});

test("others are told of writing, not too often, and of its end", () => {
  const p = new Play().live();
  const told = (empty: boolean) => p.do({ type: "writing", empty }).of("typing").map((e) => e.stopped);
  assert.deepEqual(told(true), [], "nothing to take back");
  assert.deepEqual(told(false), [false]);
  p.now += tellEvery - 1;
  assert.deepEqual(told(false), []);
  p.now += 1;
  assert.deepEqual(told(false), [false]);
  assert.deepEqual(told(true), [true]);
  assert.deepEqual(told(true), []);
});

test("a message ends writing by itself, and without a stream or a name nobody is told", () => {
  const p = new Play().live().do({ type: "writing", empty: false }, { type: "said", id: "a", body: { kind: "message", text: "A", replyTo: 0n } });
  assert.deepEqual(p.do({ type: "writing", empty: true }).of("typing"), []);
  assert.deepEqual(new Play({ identity: null }).live().do({ type: "writing", empty: false }).effects, []);
  assert.deepEqual(new Play().live().end().do({ type: "writing", empty: false }).effects, []);
});
