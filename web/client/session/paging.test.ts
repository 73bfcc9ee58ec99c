import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "../model";
import { keepScrolledBack } from "../state/timeline";
import { bob, event, SessionHarness } from "../testing/session-harness";

function range(from: number, to: number): Event[] {
  return Array.from({ length: to - from + 1 }, (_, i) => event(from + i));
}

/** Answers the newest request for a page. */
function answer(p: SessionHarness, events: readonly Event[], more: boolean): SessionHarness {
  const [ask] = p.of("listEvents");
  const sequence = events.at(-1)?.sequence ?? 0n;
  const page = { epoch: "e1", events, more, next: { epoch: "e1", sequence } };
  return p.do({ type: "pageLoaded", serial: ask!.serial, page });
}

function positions(p: SessionHarness) {
  return p.of("listEvents").map((e) => e.position);
}

/** A session that has the messages 90 to 100, and went to the message 40. */
function gone(): SessionHarness {
  const p = new SessionHarness().live(100, ...range(90, 100).map((e) => Number(e.sequence)));
  p.do({ type: "viewportChanged", visible: true, atEnd: false }, { type: "goTo", sequence: 40n });
  assert.deepEqual(positions(p), [{ before: { epoch: "e1", sequence: 41n } }]);
  answer(p, range(36, 40), true);
  assert.deepEqual(positions(p), [{ after: { epoch: "e1", sequence: 40n } }], "what follows is loaded at once");
  return answer(p, range(41, 45), true);
}

test("going to an old message replaces the timeline by what is around it", () => {
  const p = gone();
  const { timeline, history } = p.state;
  assert.deepEqual(p.posts, [36, 37, 38, 39, 40, 41, 42, 43, 44, 45]);
  assert.deepEqual([timeline.more, timeline.newer, timeline.newest, history.target], [true, true, 45n, 40n]);
  assert.equal(p.do({ type: "targetReached" }).state.history.target, 0n);
});

test("the stream adds nothing to an old part of the log, but changes it", () => {
  const p = gone().events(101);
  p.frames({ kind: "event", event: event(102, { body: { kind: "edit", target: 41n, text: "new" } }) });
  p.frames({ kind: "event", event: event(103, { body: { kind: "deletion", target: 42n } }) });
  assert.deepEqual(p.posts, [36, 37, 38, 39, 40, 41, 43, 44, 45]);
  assert.equal(p.state.timeline.posts.find((post) => post.sequence === 41n)?.text, "new");
  assert.deepEqual([p.state.unread, p.state.cursor?.sequence], [1, 103n]);
});

test("newer pages join the end of the log, with what came meanwhile, once", () => {
  const p = gone().events(101).do({ type: "loadLater" });
  assert.deepEqual(positions(p), [{ after: { epoch: "e1", sequence: 45n } }]);
  const ask = p.of("listEvents");
  p.events(102);
  p.frames({ kind: "event", event: event(103, { body: { kind: "edit", target: 60n, text: "new" } }) });
  p.effects = ask;
  answer(p, range(46, 101), false);
  assert.equal(p.state.timeline.newer, true, "102 came after the page was read");
  assert.equal(p.state.timeline.posts.find((post) => post.sequence === 60n)?.text, "new");
  p.do({ type: "loadLater" });
  const edit = event(103, { body: { kind: "edit", target: 60n, text: "new" } });
  answer(p, [event(102), edit], false);
  assert.equal(p.state.timeline.newer, false);
  p.events(104);
  assert.deepEqual(p.posts, [...range(36, 102).map((e) => Number(e.sequence)), 104]);
});

test("the newest messages replace an old part of the log", () => {
  const p = gone().do({ type: "loadNewest" });
  assert.deepEqual(positions(p), [null]);
  answer(p, range(91, 100), true);
  assert.deepEqual([p.posts.at(0), p.posts.at(-1), p.state.timeline.newer], [91, 100, false]);
  p.events(101);
  assert.equal(p.posts.at(-1), 101);
});

test("the nearest message will do where a place is gone to", () => {
  const p = new SessionHarness().live(100, 99, 100).do({ type: "goTo", sequence: 40n, nearest: true });
  answer(p, [event(38), event(40, { body: { kind: "deletion", target: 39n } })], true);
  answer(p, range(41, 45), true);
  assert.deepEqual([p.state.history.target, p.posts], [40n, [38, 41, 42, 43, 44, 45]]);
});

test("the nearest place of one that is not retained is the oldest message that is", () => {
  const p = new SessionHarness().live(100, 99, 100).do({ type: "goTo", sequence: 40n, nearest: true });
  assert.deepEqual(positions(answer(p, [], false)), [{ after: { epoch: "e1", sequence: 0n } }]);
  answer(p, range(61, 65), true);
  const { timeline, history } = p.state;
  assert.deepEqual(p.posts, [61, 62, 63, 64, 65]);
  assert.deepEqual([history.target, timeline.more, timeline.newer, timeline.cut], [40n, false, true, true]);
});

test("a place that is not retained is absent", () => {
  const p = new SessionHarness().live(100, 99, 100).do({ type: "goTo", sequence: 40n });
  const [ask] = p.of("listEvents");
  p.do({ type: "pageFailed", serial: ask!.serial, failure: { code: "out_of_range", message: "gone" } });
  assert.deepEqual([p.state.history.phase, p.state.history.absent, p.posts], ["idle", 40n, [99, 100]]);
});

test("a page that fails is loaded again on request", () => {
  const p = new SessionHarness().live(100, 99, 100).do({ type: "goTo", sequence: 40n });
  const [ask] = p.of("listEvents");
  p.do({ type: "pageFailed", serial: ask!.serial, failure: { code: "unavailable", message: "cut" } });
  assert.equal(p.state.history.phase, "failed");
  assert.deepEqual(positions(p.do({ type: "loadLater" })), [{ before: { epoch: "e1", sequence: 41n } }]);
  answer(p, range(36, 40), true);
  assert.equal(p.state.history.target, 40n);
});

test("what is missing before a newer page is marked", () => {
  const p = gone().do({ type: "loadLater" });
  answer(p, [event(60, { previous: 59n }), event(61)], true);
  assert.deepEqual(p.state.timeline.gaps, [60n]);
});

test("who loads older messages keeps a bounded part of the log", () => {
  const head = 100_000;
  const p = new SessionHarness().live(head, head);
  p.do({ type: "viewportChanged", visible: true, atEnd: false });
  for (let oldest = head; oldest > 1; ) {
    const from = Math.max(1, oldest - 500);
    answer(p.do({ type: "loadEarlier" }), range(from, oldest - 1), from > 1);
    oldest = from;
    assert.ok(p.posts.length <= keepScrolledBack * 1.1);
  }
  assert.deepEqual([p.posts[0], p.state.timeline.newer, p.state.timeline.missing], [1, true, 0]);
  while (p.state.timeline.newer) {
    p.do({ type: "loadLater" });
    const next = Number(p.state.timeline.newest) + 1;
    answer(p, range(next, Math.min(head, next + 499)), next + 499 < head);
    assert.ok(p.posts.length <= keepScrolledBack * 1.1);
  }
  assert.equal(p.posts.at(-1), head);
});

test("new messages do not push out the older ones that are read", () => {
  const p = new SessionHarness().live(1_000, 1_000);
  p.do({ type: "viewportChanged", visible: true, atEnd: false }, { type: "loadEarlier" });
  answer(p, range(500, 999), true);
  p.events(...Array.from({ length: 4_000 }, (_, i) => 1_001 + i));
  assert.deepEqual([p.posts[0], p.state.timeline.newer, p.state.unread], [500, true, 4_000]);
  assert.equal(p.state.timeline.posts[0]?.sender.id, bob.id);
});
