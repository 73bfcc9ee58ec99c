import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "../model";
import { caughtUp, event, joined, reset, SessionHarness } from "../testing/session-harness";

function counted(head: number, messages: number) {
  return { type: "counted", count: { head: BigInt(head), messages: BigInt(messages) } } as const;
}

function deletion(sequence: number, target: number): Event {
  return event(sequence, { body: { kind: "deletion", target: BigInt(target) } });
}

/** Answers the newest request for a page. */
function page(p: SessionHarness, serial: number, events: readonly Event[], more = false): void {
  const sequence = events.at(-1)?.sequence ?? 0n;
  p.do({ type: "pageLoaded", serial, page: { epoch: "e1", events, more, next: { epoch: "e1", sequence } } });
}

/** A session that has seen the messages 1 and 2, of which a count of the first is known, and misses what follows. */
function missing(): SessionHarness {
  const p = new SessionHarness().live(0, 1, 2).do(counted(1, 1));
  return p.end().do({ type: "timer", timer: "reconnect" }).frames(joined(50));
}

function missed(p: SessionHarness) {
  return p.state.timeline.reset?.missed;
}

test("a reset says how many messages were missed", () => {
  const p = missing().frames(reset("e1", 50n, 48n));
  const { serial } = p.of("listEvents")[0]!;
  p.frames(caughtUp).do(counted(50, 44));
  assert.equal(missed(p), null, "what is retained is not known yet");
  page(p, serial, [event(48), event(49), event(50)]);
  assert.equal(missed(p), 39, "44 were stored, of which 2 were received before and 3 are retained");
  p.events(51).do(counted(51, 45));
  assert.equal(missed(p), 39);
});

test("the count may come before the reset, and after the page", () => {
  const before = missing()
    .do(counted(50, 44))
    .frames(reset("e1", 50n, 50n));
  page(before, before.of("listEvents")[0]!.serial, [event(50)]);
  assert.equal(missed(before.frames(caughtUp)), 41);

  const after = missing().frames(reset("e1", 50n, 50n));
  page(after, after.of("listEvents")[0]!.serial, [event(50)]);
  after.frames(caughtUp).do(counted(20, 19));
  assert.equal(missed(after), null, "more came after that count");
  after.do(counted(51, 45));
  assert.equal(missed(after), null, "the last message of that count was not received yet");
  assert.equal(missed(after.events(51)), 41);
});

test("what is missed is known when all of what is retained was read", () => {
  const p = missing()
    .do(counted(50, 44))
    .frames(reset("e1", 50n, 46n));
  page(p, p.of("listEvents")[0]!.serial, [event(49), event(50)], true);
  assert.equal(missed(p.frames(caughtUp)), null);
  p.do({ type: "loadEarlier" });
  page(p, p.of("listEvents")[0]!.serial, [event(46), event(48)]);
  assert.equal(missed(p), 38);
});

test("a message that was deleted was not missed", () => {
  const p = missing()
    .do(counted(50, 44))
    .frames(reset("e1", 50n, 48n));
  page(p, p.of("listEvents")[0]!.serial, [deletion(48, 40), deletion(49, 1), event(50)]);
  assert.equal(
    missed(p.frames(caughtUp)),
    40,
    "44 less 2 received, 1 retained and 1 deleted; the other deletion is of a received one",
  );
});

test("a reset of a log that is empty counts all", () => {
  const p = missing().do(counted(50, 44)).frames(reset("e1", 50n));
  page(p, p.of("listEvents")[0]!.serial, []);
  assert.equal(missed(p.frames(caughtUp)), 42);
});

test("what was missed is not known without a count, or in another log", () => {
  const p = new SessionHarness().live(0, 1).end().do({ type: "timer", timer: "reconnect" }).frames(joined(50));
  p.frames(reset("e1", 50n, 50n));
  page(p, p.of("listEvents")[0]!.serial, [event(50)]);
  assert.equal(missed(p.frames(caughtUp).do(counted(50, 44))), null, "of before the reset");

  const other = missing().frames(joined(50, { epoch: "e2" }), reset("e2", 50n, 50n));
  const { serial } = other.of("listEvents")[0]!;
  const next = { epoch: "e2", sequence: 50n };
  other.do({ type: "pageLoaded", serial, page: { epoch: "e2", events: [event(50)], more: false, next } });
  other.frames(caughtUp).do(counted(50, 44));
  assert.deepEqual([missed(other), other.state.timeline.reset?.newLog], [null, true]);
});

test("a count of before a reset is not used for the next one", () => {
  const p = missing().frames(reset("e1", 50n, 50n));
  page(p, p.of("listEvents")[0]!.serial, [event(50)]);
  p.frames(caughtUp, reset("e1", 90n, 90n));
  assert.equal(p.state.timeline.reset?.before, null);
});

test("a count across a gap is not used", () => {
  const p = new SessionHarness().live(0, 1).do(counted(1, 1));
  const after = { kind: "event" as const, event: event(8, { previous: 7n }) };
  p.frames(after).do({ type: "timer", timer: "reconnect" }).frames(joined(8), after);
  const [ask] = p.of("catchUp");
  const none = { epoch: "e1", events: [], more: false, next: { epoch: "e1", sequence: 1n } };
  p.do({ type: "caughtUpTo", serial: ask!.serial, page: none });
  assert.deepEqual(p.state.timeline.gaps, [8n]);
  p.frames(reset("e1", 50n, 50n));
  assert.equal(p.state.timeline.reset?.before, null);
});

test("a reset that a page reveals counts, too", () => {
  const p = missing().do(counted(50, 44));
  const [opened] = [p.state.cursor];
  assert.equal(opened?.sequence, 2n);
  p.frames({ kind: "event", event: event(50, { previous: 49n }) }).do({ type: "timer", timer: "reconnect" });
  p.frames(joined(50), { kind: "event", event: event(50, { previous: 49n }) });
  const failure = { code: "out_of_range", message: "not retained" } as const;
  p.do({ type: "catchUpFailed", serial: p.of("catchUp")[0]!.serial, failure });
  const events = [event(49, { previous: 0n }), event(50)];
  const newest = { epoch: "e1", events, more: false, next: { epoch: "e1", sequence: 50n } };
  p.do({ type: "caughtUpTo", serial: p.of("catchUp")[0]!.serial, page: newest }).frames(caughtUp);
  assert.equal(missed(p), 40);
});

test("a room begins where its log does, unless messages before were retained once", () => {
  const first = (sequence: number, head = sequence) =>
    new SessionHarness()
      .start()
      .frames(joined(head), { kind: "event", event: event(sequence, { previous: 0n }) }, caughtUp);
  const of = (p: SessionHarness) => p.state.timeline.missing;
  assert.equal(of(first(1)), 0);
  assert.equal(of(first(9)), null, "changes to messages and events of other rooms may be before it");
  assert.equal(of(first(9).do(counted(9, 1))), 0);
  assert.equal(of(first(9).do(counted(9, 5))), 4);
  assert.equal(of(first(9).do(counted(8, 4))), null, "the count is older than the timeline");
  assert.equal(of(new SessionHarness().live()), 0, "an empty room");
  assert.equal(of(new SessionHarness().live(7).do(counted(7, 5))), 5, "a room without events");

  const deleted = first(9, 10).frames({ kind: "event", event: deletion(10, 9) });
  assert.equal(of(deleted.do(counted(10, 1))), 0, "a deleted message");
});

test("a timeline that was cut has messages before it, which are retained", () => {
  const p = new SessionHarness().live(0, 1);
  p.do({ type: "viewportChanged", visible: true, atEnd: true });
  const sequences = Array.from({ length: 1_200 }, (_, i) => i + 2);
  p.events(...sequences);
  assert.deepEqual([p.state.timeline.more, p.state.timeline.missing], [true, null]);
});
