import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "../model";
import { quoteOf } from "../state/quotes";
import { event, message, SessionHarness } from "../testing/session-harness";

const page = (events: Event[], more = true) => ({ epoch: "e1", events, more, next: { epoch: "e1", sequence: 0n } });

/** A timeline that starts at 50, in which 51 replies to a message. */
function answering(target: number): SessionHarness {
  return new SessionHarness()
    .live(50, 50)
    .frames({ kind: "event", event: event(51, { body: message("an answer", BigInt(target)) }) });
}

function text(p: SessionHarness, sequence: number): string | null {
  const quote = quoteOf(p.state.quotes, p.state.timeline, BigInt(sequence));
  return typeof quote === "string" ? quote : quote.text;
}

test("a quoted message in the timeline is not loaded", () => {
  const p = answering(50);
  assert.equal(p.of("loadQuote").length, 0);
  assert.equal(text(p, 50), "text 50");
});

test("a quoted message outside the timeline is loaded and kept up to date", () => {
  const p = answering(7);
  const [ask] = p.of("loadQuote");
  assert.deepEqual(ask?.before, { epoch: "e1", sequence: 8n });
  assert.equal(text(p, 7), "unknown");
  p.do({ type: "quoteLoaded", serial: ask!.serial, page: page([event(7)]) });
  assert.equal(text(p, 7), "text 7");
  p.frames({ kind: "event", event: event(52, { body: { kind: "edit", target: 7n, text: "new" } }) });
  assert.equal(text(p, 7), "new");
  p.frames({ kind: "event", event: event(53, { body: { kind: "deletion", target: 7n } }) });
  assert.equal(text(p, 7), "deleted");
});

test("a deleted message is quoted as deleted", () => {
  const p = answering(7);
  p.do({ type: "quoteLoaded", serial: p.of("loadQuote")[0]!.serial, page: page([event(6)]) });
  assert.equal(text(p, 7), "deleted");
  p.frames({ kind: "event", event: event(52, { body: { kind: "deletion", target: 50n } }) });
  assert.equal(text(p, 50), "deleted");
});

test("a change during loading loads the message again", () => {
  const p = answering(7);
  const [first] = p.of("loadQuote");
  p.frames({ kind: "event", event: event(52, { body: { kind: "deletion", target: 7n } }) });
  const [second] = p.of("loadQuote");
  p.do({ type: "quoteLoaded", serial: first!.serial, page: page([event(7)]) });
  assert.equal(text(p, 7), "unknown", "the earlier answer is ignored");
  p.do({ type: "quoteLoaded", serial: second!.serial, page: page([]) });
  assert.equal(text(p, 7), "deleted");
});

test("quotes are loaded one by one, and failed ones again with the next stream", () => {
  const p = answering(7).frames({ kind: "event", event: event(52, { body: message("another", 9n) }) });
  assert.equal(p.of("loadQuote").length, 0);
  p.do({ type: "quoteLoaded", serial: 1, page: null });
  assert.deepEqual(
    p.of("loadQuote").map((e) => e.before.sequence),
    [10n],
  );
  p.do({ type: "quoteLoaded", serial: 2, page: page([event(9)]) });
  assert.deepEqual([text(p, 7), text(p, 9), p.of("loadQuote").length], ["unknown", "text 9", 0]);
  p.live(52);
  assert.equal(text(p, 7), "unknown");
  assert.deepEqual(p.state.quotes.queue, [7n]);
});

test("going to a deleted message says that it is absent", () => {
  const p = answering(7).do({ type: "goTo", sequence: 7n });
  p.do({ type: "pageLoaded", serial: p.of("listEvents")[0]!.serial, page: page([event(5), event(6)]) });
  assert.deepEqual([p.state.history.target, p.state.history.absent, p.posts], [0n, 7n, [50, 51]]);
  assert.equal(p.do({ type: "goTo", sequence: 60n }).of("listEvents").length, 0);
  assert.equal(p.state.history.absent, 60n);
});

test("a page with changes only loads the next one", () => {
  const p = answering(50).do({ type: "loadEarlier" });
  const about = event(49, { body: { kind: "reaction", target: 3n, emoji: "👍", removed: false } });
  p.do({ type: "pageLoaded", serial: p.of("listEvents")[0]!.serial, page: page([about]) });
  assert.deepEqual(
    p.of("listEvents").map((e) => e.position),
    [{ before: { epoch: "e1", sequence: 49n } }],
  );
});
