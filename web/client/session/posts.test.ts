import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, EventsPage, Member, MessageChange } from "../model";
import { applyChange, changedPost, changeOf, indexOfPost, type Post, postOf } from "../state/posts";
import { ada, bob, caughtUp, event, joined, message, SessionHarness, seededRandom } from "../testing/session-harness";

function change(sequence: number, body: MessageChange, sender: Member = bob): Event {
  return event(sequence, { body, sender });
}

function folded(...events: Event[]): Post[] {
  let posts: readonly Post[] = [];
  for (const e of events) {
    const post = postOf(e);
    posts = post ? [...posts, post] : applyChange(posts, e);
  }
  return [...posts];
}

test("an edit replaces the text and its time, a deletion removes the message", () => {
  const [a, b] = folded(event(1), event(2), change(3, { kind: "edit", target: 1n, text: "new" }));
  assert.deepEqual([a!.text, a!.edited, a!.changed, b!.text], ["new", 3_000, 3n, "text 2"]);
  assert.deepEqual(
    folded(event(1), event(2), change(3, { kind: "deletion", target: 1n })).map((p) => p.sequence),
    [2n],
  );
});

test("each member reacts once with each emoji, and emoji keep their order", () => {
  const react = (n: number, emoji: string, sender: Member, removed = false) =>
    change(n, { kind: "reaction", target: 1n, emoji, removed }, sender);
  const shown = (...events: Event[]) =>
    folded(event(1), ...events)[0]!.reactions.map((r) => `${r.emoji} ${r.members.map((m) => m.id).join()}`);
  assert.deepEqual(shown(react(2, "👍", bob), react(3, "🎉", bob), react(4, "👍", ada.member), react(5, "👍", bob)), [
    "👍 bob,ada",
    "🎉 bob",
  ]);
  assert.deepEqual(shown(react(2, "👍", bob), react(3, "👍", ada.member, true)), ["👍 bob"]);
  assert.deepEqual(shown(react(2, "👍", bob), react(3, "👍", bob, true)), []);
});

test("a change that the message contains is not applied again", () => {
  const read = event(1, {
    body: message("newest"),
    changes: { sequence: 5n, edited: 5_000, reactions: [{ emoji: "👍", members: [bob] }] },
  });
  const posts = folded(
    read,
    change(4, { kind: "edit", target: 1n, text: "older" }),
    change(5, { kind: "reaction", target: 1n, emoji: "👍", removed: true }),
  );
  assert.deepEqual([posts[0]!.text, posts[0]!.reactions.length], ["newest", 1]);
  assert.equal(folded(read, change(6, { kind: "edit", target: 1n, text: "newer" }))[0]!.text, "newer");
});

test("changes to missing posts and custom events are ignored", () => {
  const custom = event(1, { body: { kind: "custom", type: "game.v1.Move", value: new Uint8Array() } });
  const before = folded(custom, event(3));
  const after = folded(
    custom,
    event(3),
    change(4, { kind: "edit", target: 1n, text: "x" }),
    change(5, { kind: "deletion", target: 2n }),
    change(6, { kind: "deletion", target: 9n }),
  );
  assert.deepEqual(after, before);
});

test("a post is found by its sequence", () => {
  const posts = folded(event(2), event(5), event(9));
  assert.deepEqual(
    [1n, 2n, 3n, 5n, 9n, 10n].map((s) => indexOfPost(posts, s)),
    [-1, 0, -1, 1, 2, -1],
  );
});

/** A server's log. Deletions erase from it. */
class Log {
  events: Event[] = [];
  /** Every text of every message, with the sequence that set it. */
  readonly texts: { readonly target: bigint; readonly since: bigint; readonly text: string }[] = [];
  #next = 1n;

  append(body: Event["body"], sender: Member): Event {
    const sequence = this.#next++;
    const e: Event = { ...event(Number(sequence)), previous: this.events.at(-1)?.sequence ?? 0n, sender, body };
    this.events.push(e);
    if (body.kind === "message") this.texts.push({ target: sequence, since: sequence, text: body.text });
    if (body.kind === "edit") this.texts.push({ target: body.target, since: sequence, text: body.text });
    if (body.kind === "deletion") {
      const erased = (o: Event) =>
        o.sequence === body.target || (o.body.kind === "edit" && o.body.target === body.target);
      this.events = this.events.filter((o) => !erased(o));
    }
    return e;
  }

  /** The events as they are read now: previous skips erased ones. */
  all(): Event[] {
    return this.events.map((e, i) => ({ ...e, previous: this.events[i - 1]?.sequence ?? 0n }));
  }

  /** The newest events before a sequence, messages as they are now. */
  page(before: bigint, limit: number): EventsPage {
    const older = this.all().filter((e) => e.sequence < before);
    const events = older.slice(-limit).map((e) => (e.body.kind === "message" ? this.#now(e) : e));
    return {
      epoch: "e1",
      events,
      more: older.length > events.length,
      next: { epoch: "e1", sequence: events.at(-1)?.sequence ?? 0n },
    };
  }

  /** Computed independently of applyChange: the sum of all changes to a message. */
  #now(e: Event): Event {
    const post = postOf(e)!;
    let now = post;
    let newest = 0n;
    for (const c of this.events) {
      const body = changeOf(c);
      if (body?.target !== e.sequence) continue;
      now = changedPost(now, body, c.time, c.sender)!;
      newest = c.sequence;
    }
    if (newest === 0n) return e;
    const reactions = now.reactions.map((r) => ({ ...r, members: r.members.map((m) => ({ id: m.id, name: "" })) }));
    return {
      ...e,
      body: message(now.text!, now.replyTo),
      changes: { sequence: newest, edited: now.edited, reactions },
    };
  }
}

const plain = (posts: readonly Post[]) =>
  posts.map((p) => [p.sequence, p.text, p.edited, p.reactions.map((r) => [r.emoji, r.members.map((m) => m.id)])]);

test("the timeline equals the log, for any changes and any timing of pages", () => {
  const people = [ada.member, bob, { id: "cy", name: "Cy" }];
  const emojis = ["👍", "❤️", "🎉"];
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
    const log = new Log();
    const act = (): Event => {
      const targets = log.events.filter((e) => e.body.kind === "message").map((e) => e.sequence);
      const dicey = targets.length > 0 ? random() : 0;
      if (dicey < 0.4) return log.append(message(`said ${random()}`), pick(people));
      const target = pick(targets);
      if (dicey < 0.6) return log.append({ kind: "edit", target, text: `edited ${random()}` }, pick(people));
      if (dicey < 0.7) return log.append({ kind: "deletion", target }, pick(people));
      return log.append({ kind: "reaction", target, emoji: pick(emojis), removed: random() < 0.3 }, pick(people));
    };
    for (let i = 0; i < 60; i++) act();

    // The stream starts with the newest events, and pages bring the others.
    // Pages are read some time after the request, and arrive later still; the
    // stream lags behind the log, so that a page may be newer or older than it.
    const head = Number(log.events.at(-1)?.sequence ?? 0n);
    const p = new SessionHarness().start().frames(joined(head));
    for (const e of log.all().slice(-20)) p.frames({ kind: "event", event: e });
    p.frames(caughtUp);
    const stream: Event[] = [];
    let asked: { serial: number; before: bigint } | null = null;
    let read: { serial: number; page: EventsPage } | null = null;
    for (let i = 0; i < 300; i++) {
      // At any time, a message is as it was at the newest event that it contains.
      for (const post of p.state.timeline.posts) {
        const cursor = p.state.cursor!.sequence;
        const isKnown = (since: bigint) => since <= cursor || since <= post.changed;
        const had = log.texts.findLast((t) => t.target === post.sequence && isKnown(t.since));
        assert.equal(post.text, had?.text, `seed ${seed}`);
      }
      const dicey = random();
      if (dicey < 0.3) {
        stream.push(act());
        continue;
      } else if (dicey < 0.6) {
        const next = stream.shift();
        if (next) p.frames({ kind: "event", event: next });
        continue;
      } else if (asked) {
        read = { serial: asked.serial, page: log.page(asked.before, 7) };
        asked = null;
        continue;
      } else if (read) {
        p.do({ type: "pageLoaded", ...read });
        read = null;
      } else {
        p.do({ type: "loadEarlier" });
      }
      const [ask] = p.of("listEvents");
      if (ask?.position && "before" in ask.position)
        asked = { serial: ask.serial, before: ask.position.before.sequence };
    }
    for (const e of stream) p.frames({ kind: "event", event: e });
    const { posts, oldest } = p.state.timeline;
    const want = log
      .page(10_000n, 10_000)
      .events.filter((e) => e.sequence >= oldest)
      .map(postOf)
      .filter((post) => post !== null);
    assert.deepEqual(plain(posts), plain(want), `seed ${seed}`);
    assert.equal(p.state.connection.phase, "live", `seed ${seed}: a gap where there is none`);
  }
});
