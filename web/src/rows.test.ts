import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "./model";
import { ada, event, Play } from "./play";
import { hueOf, hues, initialOf, rows, type MessageRow, type Row } from "./rows";

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
  p.state = { ...p.state, timeline: { ...p.state.timeline, messages: [event(1), event(5)], holes: [5n] } };
  const all = rows(p.state);
  assert.deepEqual(all.map((row) => row.kind), ["day", "message", "hole", "message"]);
  assert.deepEqual(messages(all).map((row) => row.first), [true, true]);
});

test("an own message has the same key on its way and in the log", () => {
  const p = new Play().live().do({ type: "said", id: "a", text: "A" });
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
