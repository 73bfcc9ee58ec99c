import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "../model";
import { event, Play, saying } from "../testing/session-harness";
import { quoteOf } from "../state/quotes";

const page = (events: Event[], more = true) => ({ epoch: "e1", events, more, next: { epoch: "e1", sequence: 0n } });

/** A room of which 50 and on are shown, and in which 51 answers a message. */
function answering(target: number): Play {
  return new Play().live(50, 50).frames({ kind: "event", event: event(51, { body: saying("an answer", BigInt(target)) }) });
}

function text(p: Play, sequence: number): string | null {
  const quote = quoteOf(p.state, BigInt(sequence));
  return typeof quote === "string" ? quote : quote.text;
}

test("an answer to a message that is shown needs no reading", () => {
  const p = answering(50);
  assert.equal(p.of("quote").length, 0);
  assert.equal(text(p, 50), "text 50");
});

test("what is not shown is read by itself, and kept as it is now", () => {
  const p = answering(7);
  const [ask] = p.of("quote");
  assert.deepEqual(ask?.before, { epoch: "e1", sequence: 8n });
  assert.equal(text(p, 7), "unread");
  p.do({ type: "quoted", serial: ask!.serial, page: page([event(7)]) });
  assert.equal(text(p, 7), "text 7");
  p.frames({ kind: "event", event: event(52, { body: { kind: "edit", target: 7n, text: "new" } }) });
  assert.equal(text(p, 7), "new");
  p.frames({ kind: "event", event: event(53, { body: { kind: "deletion", target: 7n } }) });
  assert.equal(text(p, 7), "gone");
});

test("what was deleted is gone", () => {
  const p = answering(7);
  p.do({ type: "quoted", serial: p.of("quote")[0]!.serial, page: page([event(6)]) });
  assert.equal(text(p, 7), "gone");
  p.frames({ kind: "event", event: event(52, { body: { kind: "deletion", target: 50n } }) });
  assert.equal(text(p, 50), "gone");
});

test("a change that comes while it is read has it read again", () => {
  const p = answering(7);
  const [first] = p.of("quote");
  p.frames({ kind: "event", event: event(52, { body: { kind: "deletion", target: 7n } }) });
  const [second] = p.of("quote");
  p.do({ type: "quoted", serial: first!.serial, page: page([event(7)]) });
  assert.equal(text(p, 7), "unread", "the answer of before is not taken");
  p.do({ type: "quoted", serial: second!.serial, page: page([]) });
  assert.equal(text(p, 7), "gone");
});

test("they are read one after the other, and again on the next stream if that failed", () => {
  const p = answering(7).frames({ kind: "event", event: event(52, { body: saying("another", 9n) }) });
  assert.equal(p.of("quote").length, 0);
  p.do({ type: "quoted", serial: 1, page: null });
  assert.deepEqual(p.of("quote").map((e) => e.before.sequence), [10n]);
  p.do({ type: "quoted", serial: 2, page: page([event(9)]) });
  assert.deepEqual([text(p, 7), text(p, 9), p.of("quote").length], ["unread", "text 9", 0]);
  p.live(52);
  assert.equal(text(p, 7), "unread");
  assert.deepEqual(p.state.quotes.queue, [7n]);
});

test("a message further up is sought page by page, and found", () => {
  const p = answering(7).do({ type: "seek", sequence: 7n });
  const [far] = p.of("list");
  assert.deepEqual([far?.far, far?.place], [true, { before: { epoch: "e1", sequence: 50n } }]);
  p.do({ type: "page", serial: far!.serial, page: page([event(30)]) });
  const [further] = p.of("list");
  p.do({ type: "page", serial: further!.serial, page: page([event(7), event(29)]) });
  assert.deepEqual([p.state.history.sought, p.of("list").length], [7n, 0]);
  assert.equal(p.do({ type: "found" }).state.history.sought, 0n);
});

test("a message that is not there any more is not sought for ever", () => {
  const p = answering(7).do({ type: "seek", sequence: 7n });
  p.do({ type: "page", serial: p.of("list")[0]!.serial, page: page([event(6), event(29)]) });
  assert.deepEqual([p.state.history.sought, p.of("list").length], [0n, 0]);
  assert.equal(p.do({ type: "seek", sequence: 8n }).of("list").length, 0);
});

test("a page of nothing but changes has the next one read", () => {
  const p = answering(50).do({ type: "earlier" });
  const about = event(49, { body: { kind: "reaction", target: 3n, emoji: "👍", removed: false } });
  p.do({ type: "page", serial: p.of("list")[0]!.serial, page: page([about]) });
  assert.deepEqual(p.of("list").map((e) => e.place), [{ before: { epoch: "e1", sequence: 49n } }]);
});
