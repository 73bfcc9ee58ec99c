import assert from "node:assert/strict";
import { test } from "node:test";
import type { Body, Member } from "../model";
import { held, listEvery } from "../state/presence";
import { ada, bob, glimpse, joined, Play } from "../testing/session-harness";

const cy: Member = { id: "cy", name: "Cy" };

function names(p: Play): string[] | undefined {
  return p.state.people.members?.map((m) => m.name);
}

/** A page on which the list is shown, and what it asked for last. */
function watching(...members: Member[]): Play {
  const p = new Play().live().do({ type: "peopleShown", shown: true });
  return p.do({ type: "crowd", serial: 1, crowd: { members, more: false, total: members.length } });
}

const came = (members: number, who: Member) => glimpse({ kind: "memberJoined", members }, who);
const left = (members: number, who: Member) => glimpse({ kind: "memberLeft", members }, who);

test("members are counted from the start, and listed when somebody looks", () => {
  const p = new Play().do({ type: "start" }).frames(joined(0, { members: 7 }));
  assert.deepEqual([p.state.people.count, p.of("people").length], [7, 0]);
  p.do({ type: "peopleShown", shown: true });
  assert.deepEqual(p.of("people").map((e) => e.token), [ada.token]);
  p.do({ type: "crowd", serial: 1, crowd: { members: [ada.member, bob], more: false, total: 7 } });
  assert.deepEqual(names(p), ["Ada", "Bob"]);
});

test("the list follows who comes, goes and changes a name", () => {
  const p = watching(ada.member).frames(came(2, bob), came(3, cy));
  assert.deepEqual([names(p), p.state.people.count], [["Ada", "Bob", "Cy"], 3]);
  p.frames(came(3, cy), left(2, bob), glimpse({ kind: "memberRenamed" }, { id: "cy", name: "Cyril" }));
  assert.deepEqual([names(p), p.state.people.count], [["Ada", "Cyril"], 2]);
});

test("members without an id are only counted", () => {
  const p = watching(ada.member).frames(came(2, { id: "", name: "anonymous" }));
  assert.deepEqual([names(p), p.state.people.count], [["Ada"], 2]);
});

test("what happens while the list is awaited counts more than the list", () => {
  const p = new Play().live().do({ type: "peopleShown", shown: true }).frames(came(3, cy), left(2, bob));
  p.do({ type: "crowd", serial: 1, crowd: { members: [ada.member, bob], more: false, total: 2 } });
  assert.deepEqual([names(p), p.state.people.count], [["Ada", "Cy"], 2]);
});

test("after a count the list is asked for again, but not too often", () => {
  const count = (members: number): Body => ({ kind: "memberCount", members });
  const p = watching(ada.member).frames(glimpse(count(300)));
  assert.equal(p.of("people").length, 0);
  assert.deepEqual(p.of("timer"), [{ type: "timer", timer: "people", after: listEvery }]);
  p.now += listEvery;
  p.do({ type: "timer", timer: "people" });
  const [ask] = p.of("people");
  p.frames(glimpse(count(301)), glimpse(count(302)));
  assert.equal(p.of("people").length, 0, "one at a time");
  p.do({ type: "crowd", serial: ask!.serial, crowd: { members: [bob], more: true, total: 300 } });
  assert.deepEqual([names(p), p.state.people.count, p.state.people.more], [["Bob"], 302, true]);
  assert.equal(p.of("timer").length, 1, "the newest count makes it stale again");
});

test("a list that fails is asked for again after a while, and one of before is dropped", () => {
  const p = new Play().live().do({ type: "peopleShown", shown: true });
  p.do({ type: "crowd", serial: 1, crowd: null });
  assert.deepEqual(p.of("timer"), [{ type: "timer", timer: "people", after: listEvery }]);
  p.do({ type: "crowd", serial: 0, crowd: { members: [bob], more: false, total: 1 } });
  assert.equal(names(p), undefined);
});

test("a new stream makes the list stale, and nobody asks when nobody looks", () => {
  const p = watching(ada.member).do({ type: "peopleShown", shown: false });
  p.now += listEvery;
  p.end().do({ type: "timer", timer: "reconnect" }).frames(joined(0, { members: 2 }));
  assert.deepEqual([p.of("people").length, p.state.people.count], [0, 2]);
  assert.equal(p.do({ type: "peopleShown", shown: true }).of("people").length, 1);
});

test("a page that nobody sees asks for nothing until somebody does", () => {
  const p = watching(ada.member).do({ type: "looking", visible: false, atEnd: true });
  p.now += listEvery;
  assert.equal(p.frames(glimpse({ kind: "memberCount", members: 300 })).of("people").length, 0);
  assert.equal(p.do({ type: "looking", visible: true, atEnd: true }).of("people").length, 1);
});

test("a bounded number of members is held", () => {
  const p = watching(ada.member);
  for (let i = 0; i < 2 * held; i++) p.frames(came(i + 2, { id: `m${i}`, name: "M" }));
  assert.equal(names(p)!.length, held);
  assert.equal(p.state.people.count, 2 * held + 1);
});
