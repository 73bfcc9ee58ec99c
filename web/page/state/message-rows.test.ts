import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, Member } from "../../client/model";
import { postOf } from "../../client/state/posts";
import { ada, bob, event, message, SessionHarness, send } from "../../client/testing/session-harness";
import { isSameRow, type MessageRow, messageRows, type Row } from "./message-rows";

const noon = new Date(2026, 10, 24, 12).getTime();

/** The rows for events of bob's with these properties. */
function of(...changes: Partial<Event>[]): Row[] {
  const p = new SessionHarness().live();
  p.frames(
    ...changes.map((change, i) => ({ kind: "event" as const, event: event(i + 1, { time: noon + i, ...change }) })),
  );
  return messageRows(p.state);
}

function messages(all: Row[]): MessageRow[] {
  return all.filter((row) => row.kind === "message");
}

function firsts(...changes: Partial<Event>[]): boolean[] {
  return messages(of(...changes)).map((row) => row.first);
}

test("messages in quick succession are grouped", () => {
  assert.deepEqual(firsts({}, {}, {}), [true, false, false]);
  assert.deepEqual(firsts({}, { sender: { id: "c", name: "C" } }, {}), [true, true, true]);
  // A member who was renamed is shown by the new name, also in earlier messages.
  assert.deepEqual(firsts({}, { sender: { id: "bob", name: "Robert" } }), [true, false]);
  assert.deepEqual(firsts({}, { time: noon + 300_000 }), [true, true]);
});

test("@room means everyone if the sender moderated the room when it wrote", () => {
  const moderator: Member = { id: "bob", name: "Bob", moderator: true };
  const of = (...senders: Member[]) => {
    const p = new SessionHarness().live();
    p.frames(...senders.map((sender, i) => ({ kind: "event" as const, event: event(i + 1, { sender }) })));
    return p;
  };
  const told = (p: SessionHarness) => messages(messageRows(p.state)).map((row) => row.mentionsAll);
  const p = of({ id: "bob", name: "Bob" }, moderator);
  assert.deepEqual(told(p), [false, true]);
  // What the member is now makes no difference.
  p.frames({ kind: "event", event: event(0, { previous: 0n, sender: bob, body: { kind: "memberRenamed" } }) });
  assert.deepEqual(told(p), [false, true]);
  p.do(send("x", message("@room")));
  assert.deepEqual(told(p), [false, true, false]);
  p.frames({
    kind: "event",
    event: event(0, { previous: 0n, sender: { ...ada.member, moderator: true }, body: { kind: "memberRenamed" } }),
  });
  assert.deepEqual(told(p), [false, true, true]);
});

test("of an edited message, it counts what the sender was when it edited", () => {
  const moderator: Member = { id: "bob", name: "Bob", moderator: true };
  const former: Member = { id: "bob", name: "Bob" };
  const p = new SessionHarness().live();
  const edit = (sequence: number, target: bigint, sender: Member) =>
    ({ kind: "event", event: event(sequence, { sender, body: { kind: "edit", target, text: "@room" } }) }) as const;
  p.frames(
    { kind: "event", event: event(1, { sender: moderator }) },
    { kind: "event", event: event(2, { sender: former }) },
  );
  const told = () => messages(messageRows(p.state)).map((row) => row.mentionsAll);
  assert.deepEqual(told(), [true, false]);
  p.frames(edit(3, 1n, former), edit(4, 2n, moderator));
  assert.deepEqual(told(), [false, true]);
  // An own edit that is on its way counts as the server will take it.
  const self = { ...ada.member, moderator: true };
  p.frames({ kind: "event", event: event(0, { previous: 0n, sender: self, body: { kind: "memberRenamed" } }) });
  p.do(send("x", { kind: "edit", target: 1n, text: "@room" }));
  assert.deepEqual(told(), [true, true]);
});

test("messages of callers without a token are never grouped", () => {
  const sender = { id: "", name: "anonymous" };
  assert.deepEqual(firsts({ sender }, { sender }), [true, true]);
});

test("each day starts with its date", () => {
  const kinds = of({}, {}, { time: noon + 86_400_000 }).map((row) => row.kind);
  assert.deepEqual(kinds, ["day", "message", "message", "day", "message"]);
});

test("a gap is before the next message, which begins a group", () => {
  const p = new SessionHarness().live(1, 1);
  p.state = {
    ...p.state,
    timeline: { ...p.state.timeline, posts: [postOf(event(1))!, postOf(event(5))!], gaps: [5n] },
  };
  const all = messageRows(p.state);
  assert.deepEqual(
    all.map((row) => row.kind),
    ["day", "message", "gap", "message"],
  );
  assert.deepEqual(
    messages(all).map((row) => row.first),
    [true, true],
  );
});

test("an own message has the same key in the outbox and in the log", () => {
  const p = new SessionHarness().live().do(send("a", message("A")));
  const before = messages(messageRows(p.state));
  assert.deepEqual(
    before.map((row) => [row.own, row.status, row.sender.name]),
    [[true, "sending", "Ada"]],
  );
  p.frames({ kind: "event", event: event(1, { id: "a", sender: ada.member }) });
  const after = messages(messageRows(p.state));
  assert.deepEqual(
    after.map((row) => [row.own, row.status, row.key]),
    [[true, "sent", before[0]!.key]],
  );
});

test("keys are unique, even if an id is used twice", () => {
  const keys = of({ id: "a", sender: ada.member }, { id: "a", sender: ada.member }, { id: "a" }, { id: "a" }).map(
    (row) => row.key,
  );
  assert.equal(new Set(keys).size, keys.length);
});

const thumb = (by: Member, target = 1n) => ({
  sender: by,
  body: { kind: "reaction" as const, target, emoji: "👍", removed: false },
});

test("reactions have a count, names, and which are own", () => {
  const cy = { id: "cy", name: "Cy" };
  const [row] = messages(
    of(
      { changes: { sequence: 0n, edited: 0, reactions: [{ emoji: "🎉", members: [{ id: "x", name: "" }] }] } },
      thumb(cy),
      thumb(ada.member),
      thumb(bob),
    ),
  );
  assert.deepEqual(row!.reactions, [
    { emoji: "🎉", count: 1, own: false, by: "1 person" },
    { emoji: "👍", count: 3, own: true, by: "you, Cy and Bob" },
  ]);
});

test("pending changes show at once, and failed ones with the reason", () => {
  const p = new SessionHarness().live().frames({ kind: "event", event: event(1, { sender: ada.member }) });
  const row = () => messages(messageRows(p.state))[0]!;
  p.do(send("a", { kind: "edit", target: 1n, text: "new" }));
  p.do(send("b", { kind: "reaction", target: 1n, emoji: "👍", removed: false }));
  assert.deepEqual([row().text, row().pending, row().reactions.map((c) => c.by)], ["new", "edit", ["you"]]);
  const failure = { code: "permission_denied", message: "No." } as const;
  p.do({ type: "sendFailed", id: "a", token: ada.token, failure });
  assert.deepEqual([row().text, row().pending, row().failed], ["text 1", null, { id: "a", kind: "edit", failure }]);
});

test("a reply shows the quoted message, or that it was deleted", () => {
  const [, second, third] = messages(of({}, { body: message("yes", 1n) }, { body: message("no", 1n) }));
  assert.deepEqual([second!.quote, second!.first], [{ sequence: 1n, by: bob, text: "text 1", deleted: false }, true]);
  assert.equal(third!.quote?.text, "text 1");
  const [only] = messages(of({}, { body: message("yes", 1n) }, { body: { kind: "deletion", target: 1n } }));
  assert.deepEqual(only!.quote, { sequence: 1n, by: null, text: null, deleted: true });
});

test("consecutive custom events of a type are one row, and unknown events none", () => {
  const move = { body: { kind: "custom" as const, type: "game.v1.Move", value: new Uint8Array() } };
  const all = of(
    {},
    move,
    move,
    { body: { kind: "other" } },
    move,
    { body: { kind: "custom", type: "", value: new Uint8Array() } },
    {},
  );
  assert.deepEqual(
    all.map((row) => (row.kind === "custom" ? `${row.count} ${row.type}` : row.kind)),
    ["day", "message", "3 game.v1.Move", "1 ", "message"],
  );
});

test("isSameRow compares what rows show", () => {
  const all = () => of({}, thumb(bob), {});
  for (const [i, row] of all().entries()) assert.ok(isSameRow(row, all()[i]!));
  assert.ok(!isSameRow(all()[1]!, of({}, {})[1]!));
});

test("what is not stored yet is by the name that the user has in the room", () => {
  const p = new SessionHarness().live().do(send("x", message("hi")));
  const sender = () => messages(messageRows(p.state))[0]!.sender;
  assert.deepEqual(sender(), ada.member);
  const renamed: Member = { id: ada.member.id, name: "Ada 2", mark: "resembles" };
  p.frames({ kind: "event", event: event(0, { previous: 0n, sender: renamed, body: { kind: "memberRenamed" } }) });
  assert.deepEqual(sender(), renamed);
});
