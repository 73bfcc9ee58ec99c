import assert from "node:assert/strict";
import { test } from "node:test";
import type { Body, Member } from "../model";
import { listInterval, maxMembers } from "../state/presence";
import { ada, bob, ephemeral, joined, SessionHarness } from "../testing/session-harness";

const cy: Member = { id: "cy", name: "Cy" };

function names(p: SessionHarness): string[] | undefined {
  return p.state.presence.members?.map((m) => m.name);
}

/** A session that shows this list. */
function watching(...members: Member[]): SessionHarness {
  const p = new SessionHarness().live().do({ type: "membersShown", shown: true });
  return p.do({ type: "membersListed", serial: 1, page: { members, more: false, total: members.length } });
}

const came = (members: number, who: Member) => ephemeral({ kind: "memberJoined", members }, who);
const left = (members: number, who: Member) => ephemeral({ kind: "memberLeft", members }, who);

test("members are counted from the start, and listed when the list is shown", () => {
  const p = new SessionHarness().start().frames(joined(0, { members: 7 }));
  assert.deepEqual([p.state.presence.count, p.of("listMembers").length], [7, 0]);
  p.do({ type: "membersShown", shown: true });
  assert.equal(p.of("listMembers").length, 1);
  p.do({ type: "membersListed", serial: 1, page: { members: [ada.member, bob], more: false, total: 7 } });
  assert.deepEqual(names(p), ["Ada", "Bob"]);
});

test("the list follows members who join, leave and change their name", () => {
  const p = watching(ada.member).frames(came(2, bob), came(3, cy));
  assert.deepEqual([names(p), p.state.presence.count], [["Ada", "Bob", "Cy"], 3]);
  p.frames(came(3, cy), left(2, bob), ephemeral({ kind: "memberRenamed" }, { id: "cy", name: "Cyril" }));
  assert.deepEqual([names(p), p.state.presence.count], [["Ada", "Cyril"], 2]);
});

test("members without an id are only counted", () => {
  const p = watching(ada.member).frames(came(2, { id: "", name: "anonymous" }));
  assert.deepEqual([names(p), p.state.presence.count], [["Ada"], 2]);
});

test("events during a request are applied to its answer", () => {
  const p = new SessionHarness().live().do({ type: "membersShown", shown: true }).frames(came(3, cy), left(2, bob));
  p.do({ type: "membersListed", serial: 1, page: { members: [ada.member, bob], more: false, total: 2 } });
  assert.deepEqual([names(p), p.state.presence.count], [["Ada", "Cy"], 2]);
});

test("a count requests the list again, once per interval", () => {
  const count = (members: number): Body => ({ kind: "memberCount", members });
  const p = watching(ada.member).frames(ephemeral(count(300)));
  assert.equal(p.of("listMembers").length, 0);
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "members", after: listInterval }]);
  p.now += listInterval;
  p.do({ type: "timer", timer: "members" });
  const [ask] = p.of("listMembers");
  p.frames(ephemeral(count(301)), ephemeral(count(302)));
  assert.equal(p.of("listMembers").length, 0, "one at a time");
  p.do({ type: "membersListed", serial: ask!.serial, page: { members: [bob], more: true, total: 300 } });
  assert.deepEqual([names(p), p.state.presence.count, p.state.presence.more], [["Bob"], 302, true]);
  assert.equal(p.of("startTimer").length, 1, "the newest count makes the list stale again");
});

test("a failed request is repeated, and the answer to an earlier one is ignored", () => {
  const p = new SessionHarness().live().do({ type: "membersShown", shown: true });
  p.do({ type: "membersListed", serial: 1, page: null });
  assert.deepEqual(p.of("startTimer"), [{ type: "startTimer", timer: "members", after: listInterval }]);
  p.do({ type: "membersListed", serial: 0, page: { members: [bob], more: false, total: 1 } });
  assert.equal(names(p), undefined);
});

test("a new stream makes the list stale, and a hidden list is not requested", () => {
  const p = watching(ada.member).do({ type: "membersShown", shown: false });
  p.now += listInterval;
  p.end()
    .do({ type: "timer", timer: "reconnect" })
    .frames(joined(0, { members: 2 }));
  assert.deepEqual([p.of("listMembers").length, p.state.presence.count], [0, 2]);
  assert.equal(p.do({ type: "membersShown", shown: true }).of("listMembers").length, 1);
});

test("an invisible page requests nothing until it is visible", () => {
  const p = watching(ada.member).do({ type: "viewportChanged", visible: false, atEnd: true });
  p.now += listInterval;
  assert.equal(p.frames(ephemeral({ kind: "memberCount", members: 300 })).of("listMembers").length, 0);
  assert.equal(p.do({ type: "viewportChanged", visible: true, atEnd: true }).of("listMembers").length, 1);
});

test("the number of members that are kept is bounded", () => {
  const p = watching(ada.member);
  for (let i = 0; i < 2 * maxMembers; i++) p.frames(came(i + 2, { id: `m${i}`, name: "M" }));
  assert.equal(names(p)!.length, maxMembers);
  assert.equal(p.state.presence.count, 2 * maxMembers + 1);
});

test("the user's own name in the room is that of the stream, and follows a change", () => {
  const p = new SessionHarness().start().frames(joined(0, { member: { id: "ada", name: "Ada 2" } }));
  assert.deepEqual(p.state.presence.self, { id: "ada", name: "Ada 2" });
  p.frames(ephemeral({ kind: "memberRenamed" }, { id: "bob", name: "Robert" }));
  assert.equal(p.state.presence.self?.name, "Ada 2");
  p.frames(ephemeral({ kind: "memberRenamed" }, { id: "ada", name: "Lady Ada", mark: "resembles" }));
  assert.deepEqual(p.state.presence.self, { id: "ada", name: "Lady Ada", mark: "resembles" });
});
