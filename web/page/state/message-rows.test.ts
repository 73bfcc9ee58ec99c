import assert from "node:assert/strict";
import { test } from "node:test";
import { postOf } from "../../client/state/posts";
import type { Event, Member } from "../../client/model";
import { ada, bob, event, Play, saying } from "../../client/testing/session-harness";
import { alike, hueOf, hues, initialOf, listing, rows, type MessageRow, type Row } from "./message-rows";

const noon = new Date(2026, 10, 24, 12).getTime();

/** The rows for events of bob's, changed in turn. */
function of(...changes: Partial<Event>[]): Row[] {
  const p = new Play().live();
  p.frames(...changes.map((change, i) => ({ kind: "event" as const, event: event(i + 1, { time: noon + i, ...change }) })));
  return rows(p.state);
}

function messages(all: Row[]): MessageRow[] {
  return all.filter((row) => row.kind === "message");
}

function firsts(...changes: Partial<Event>[]): boolean[] {
  return messages(of(...changes)).map((row) => row.first);
}

test("messages that follow closely upon each other stand together", () => {
  assert.deepEqual(firsts({}, {}, {}), [true, false, false]);
  assert.deepEqual(firsts({}, { sender: { id: "c", name: "C" } }, {}), [true, true, true]);
  assert.deepEqual(firsts({}, { sender: { id: "bob", name: "Robert" } }), [true, true]);
  assert.deepEqual(firsts({}, { time: noon + 300_000 }), [true, true]);
});

test("messages of callers without a token never stand together", () => {
  const sender = { id: "", name: "anonymous" };
  assert.deepEqual(firsts({ sender }, { sender }), [true, true]);
});

test("each day begins with its date", () => {
  const kinds = of({}, {}, { time: noon + 86_400_000 }).map((row) => row.kind);
  assert.deepEqual(kinds, ["day", "message", "message", "day", "message"]);
});

test("a hole stands before the message after it, which says who speaks", () => {
  const p = new Play().live(1, 1);
  p.state = { ...p.state, timeline: { ...p.state.timeline, posts: [postOf(event(1))!, postOf(event(5))!], holes: [5n] } };
  const all = rows(p.state);
  assert.deepEqual(all.map((row) => row.kind), ["day", "message", "hole", "message"]);
  assert.deepEqual(messages(all).map((row) => row.first), [true, true]);
});

test("an own message has the same key on its way and in the log", () => {
  const p = new Play().live().do({ type: "said", id: "a", body: saying("A") });
  const before = messages(rows(p.state));
  assert.deepEqual(before.map((row) => [row.ours, row.status, row.sender.name]), [[true, "sending", "Ada"]]);
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  const after = messages(rows(p.state));
  assert.deepEqual(after.map((row) => [row.ours, row.status, row.key]), [[true, "stored", before[0]!.key]]);
});

test("keys are unique, even when an id was used twice", () => {
  const keys = of({ id: "a", sender: ada.member }, { id: "a", sender: ada.member }, { id: "a" }, { id: "a" }).map((row) => row.key);
  assert.equal(new Set(keys).size, keys.length);
});

test("a colour depends on the id alone, and all are used", () => {
  const used = new Set<number>();
  for (let i = 0; i < 500; i++) used.add(hueOf(`member-${i}`));
  assert.equal(used.size, hues);
  assert.equal(hueOf("bob"), hueOf("bob"));
});

test("an initial is a whole character", () => {
  const initials = { bob: "B", "élan": "É", "👩‍🚀 x": "👩‍🚀", "ß": "SS", "": "?" };
  for (const [name, want] of Object.entries(initials)) assert.equal(initialOf(name), want);
});

const thumb = (by: Member, target = 1n) => ({ sender: by, body: { kind: "reaction" as const, target, emoji: "👍", removed: false } });

test("reactions say how many and who, and which are ours", () => {
  const cy = { id: "cy", name: "Cy" };
  const [row] = messages(of({ changes: { sequence: 0n, edited: 0, reactions: [{ emoji: "🎉", members: [{ id: "x", name: "" }] }] } }, thumb(cy), thumb(ada.member), thumb(bob)));
  assert.deepEqual(row!.chips, [
    { emoji: "🎉", count: 1, ours: false, by: "1 person" },
    { emoji: "👍", count: 3, ours: true, by: "you, Cy and Bob" },
  ]);
});

test("names make a sentence", () => {
  assert.deepEqual([listing(["a"], 0), listing(["a", "b"], 0), listing(["a", "b"], 1), listing(["a"], 5), listing([], 3)],
    ["a", "a and b", "a, b and 1 other", "a and 5 others", "3 people"]);
});

test("what is being done to a message shows at once, and what failed is said", () => {
  const p = new Play().live().frames({ kind: "event", event: event(1, { sender: ada.member }) });
  const row = () => messages(rows(p.state))[0]!;
  p.do({ type: "changed", id: "a", change: { kind: "edit", target: 1n, text: "new" } });
  p.do({ type: "changed", id: "b", change: { kind: "reaction", target: 1n, emoji: "👍", removed: false } });
  assert.deepEqual([row().text, row().doing, row().chips.map((c) => c.by)], ["new", "edit", ["you"]]);
  p.do({ type: "sendFailed", id: "a", token: ada.token, failure: { code: "permission_denied", message: "No." } });
  assert.deepEqual([row().text, row().doing, row().failure], ["text 1", null, { id: "a", kind: "edit", problem: "No." }]);
});

test("an answer shows what it answers, or that it is gone", () => {
  const [, second, third] = messages(of({}, { body: saying("yes", 1n) }, { body: saying("no", 1n) }));
  assert.deepEqual([second!.quote, second!.first], [{ sequence: 1n, by: bob, text: "text 1", gone: false }, true]);
  assert.equal(third!.quote?.text, "text 1");
  const [only] = messages(of({}, { body: saying("yes", 1n) }, { body: { kind: "deletion", target: 1n } }));
  assert.deepEqual(only!.quote, { sequence: 1n, by: null, text: null, gone: true });
});

test("events of apps are one line for many of a kind, and unknown ones none", () => {
  const move = { body: { kind: "custom" as const, type: "game.v1.Move" } };
  const all = of({}, move, move, { body: { kind: "other" } }, move, { body: { kind: "custom", type: "" } }, {});
  assert.deepEqual(all.map((row) => (row.kind === "app" ? `${row.count} ${row.type}` : row.kind)), ["day", "message", "3 game.v1.Move", "1 ", "message"]);
});

test("rows that look the same are alike", () => {
  const all = () => of({}, thumb(bob), {});
  all().forEach((row, i) => assert.ok(alike(row, all()[i]!)));
  assert.ok(!alike(all()[1]!, of({}, {})[1]!));
});
