import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, changeOf, find, fold, postOf, type Post } from "../state/posts";
import type { Change, Event, Member, Page } from "../model";
import { ada, bob, dice, event, joined, Play, saying } from "../testing/session-harness";

function change(sequence: number, body: Change, sender: Member = bob): Event {
  return event(sequence, { body, sender });
}

function folded(...events: Event[]): Post[] {
  let posts: readonly Post[] = [];
  for (const e of events) {
    const post = postOf(e);
    posts = post ? [...posts, post] : fold(posts, e);
  }
  return [...posts];
}

test("an edit replaces the text and says when, a deletion takes the message away", () => {
  const [a, b] = folded(event(1), event(2), change(3, { kind: "edit", target: 1n, text: "new" }));
  assert.deepEqual([a!.text, a!.edited, a!.changed, b!.text], ["new", 3_000, 3n, "text 2"]);
  assert.deepEqual(folded(event(1), event(2), change(3, { kind: "deletion", target: 1n })).map((p) => p.sequence), [2n]);
});

test("each member reacts once with each emoji, and emoji stand in the order of coming", () => {
  const react = (n: number, emoji: string, sender: Member, removed = false) => change(n, { kind: "reaction", target: 1n, emoji, removed }, sender);
  const shown = (...events: Event[]) => folded(event(1), ...events)[0]!.reactions.map((r) => `${r.emoji} ${r.members.map((m) => m.id).join()}`);
  assert.deepEqual(shown(react(2, "👍", bob), react(3, "🎉", bob), react(4, "👍", ada.member), react(5, "👍", bob)), ["👍 bob,ada", "🎉 bob"]);
  assert.deepEqual(shown(react(2, "👍", bob), react(3, "👍", ada.member, true)), ["👍 bob"]);
  assert.deepEqual(shown(react(2, "👍", bob), react(3, "👍", bob, true)), []);
});

test("a change that is in the message already is not made again", () => {
  const read = event(1, { body: saying("newest"), changes: { sequence: 5n, edited: 5_000, reactions: [{ emoji: "👍", members: [bob] }] } });
  const posts = folded(
    read,
    change(4, { kind: "edit", target: 1n, text: "older" }),
    change(5, { kind: "reaction", target: 1n, emoji: "👍", removed: true }),
  );
  assert.deepEqual([posts[0]!.text, posts[0]!.reactions.length], ["newest", 1]);
  assert.equal(folded(read, change(6, { kind: "edit", target: 1n, text: "newer" }))[0]!.text, "newer");
});

test("changes to what is not held, or is no message, change nothing", () => {
  const custom = event(1, { body: { kind: "custom", type: "game.v1.Move" } });
  const before = folded(custom, event(3));
  const after = folded(custom, event(3), change(4, { kind: "edit", target: 1n, text: "x" }), change(5, { kind: "deletion", target: 2n }), change(6, { kind: "deletion", target: 9n }));
  assert.deepEqual(after, before);
});

test("a post is found by its sequence", () => {
  const posts = folded(event(2), event(5), event(9));
  assert.deepEqual([1n, 2n, 3n, 5n, 9n, 10n].map((s) => find(posts, s)), [-1, 0, -1, 1, 2, -1]);
});

/** A server's log, with what deletions erase gone from it. */
class Log {
  events: Event[] = [];
  /** Every text that a message ever had, with the sequence since which it has it. */
  readonly texts: { readonly target: bigint; readonly since: bigint; readonly text: string }[] = [];
  #next = 1n;

  append(body: Event["body"], sender: Member): Event {
    const sequence = this.#next++;
    const e: Event = { ...event(Number(sequence)), previous: this.events.at(-1)?.sequence ?? 0n, sender, body };
    this.events.push(e);
    if (body.kind === "message") this.texts.push({ target: sequence, since: sequence, text: body.text });
    if (body.kind === "edit") this.texts.push({ target: body.target, since: sequence, text: body.text });
    if (body.kind === "deletion") {
      const erased = (o: Event) => o.sequence === body.target || (o.body.kind === "edit" && o.body.target === body.target);
      this.events = this.events.filter((o) => !erased(o));
    }
    return e;
  }

  /** As events are read now: the one before is the one before that is left. */
  all(): Event[] {
    return this.events.map((e, i) => ({ ...e, previous: this.events[i - 1]?.sequence ?? 0n }));
  }

  /** The newest events before a sequence, messages as they are now. */
  page(before: bigint, limit: number): Page {
    const older = this.all().filter((e) => e.sequence < before);
    const events = older.slice(-limit).map((e) => (e.body.kind === "message" ? this.#now(e) : e));
    return { epoch: "e1", events, more: older.length > events.length, next: { epoch: "e1", sequence: events.at(-1)?.sequence ?? 0n } };
  }

  /** Written down anew, not with fold: the sum of all changes to a message. */
  #now(e: Event): Event {
    const post = postOf(e)!;
    let now = post;
    let newest = 0n;
    for (const c of this.events) {
      const body = changeOf(c);
      if (body?.target !== e.sequence) continue;
      now = changed(now, body, c.time, c.sender)!;
      newest = c.sequence;
    }
    if (newest === 0n) return e;
    const reactions = now.reactions.map((r) => ({ ...r, members: r.members.map((m) => ({ id: m.id, name: "" })) }));
    return { ...e, body: saying(now.text!, now.replyTo), changes: { sequence: newest, edited: now.edited, reactions } };
  }
}

const plain = (posts: readonly Post[]) =>
  posts.map((p) => [p.sequence, p.text, p.edited, p.reactions.map((r) => [r.emoji, r.members.map((m) => m.id)])]);

test("whatever happens and whenever pages are read, the page shows what the log has", () => {
  const people = [ada.member, bob, { id: "cy", name: "Cy" }];
  const emojis = ["👍", "❤️", "🎉"];
  for (let seed = 1; seed <= 200; seed++) {
    const random = dice(seed);
    const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
    const log = new Log();
    const act = (): Event => {
      const targets = log.events.filter((e) => e.body.kind === "message").map((e) => e.sequence);
      const dicey = targets.length > 0 ? random() : 0;
      if (dicey < 0.4) return log.append(saying(`said ${random()}`), pick(people));
      const target = pick(targets);
      if (dicey < 0.6) return log.append({ kind: "edit", target, text: `edited ${random()}` }, pick(people));
      if (dicey < 0.7) return log.append({ kind: "deletion", target }, pick(people));
      return log.append({ kind: "reaction", target, emoji: pick(emojis), removed: random() < 0.3 }, pick(people));
    };
    for (let i = 0; i < 60; i++) act();

    // It starts with the newest events as they were, and reads the others in pages.
    // Pages are read at some time after they are asked for, and come still later; the
    // stream lags behind the log, so that a page may know more than it or less.
    const head = Number(log.events.at(-1)?.sequence ?? 0n);
    const p = new Play().do({ type: "start" }).frames(joined(head));
    for (const e of log.all().slice(-20)) p.frames({ kind: "event", event: e });
    p.frames({ kind: "caughtUp" });
    const stream: Event[] = [];
    let asked: { serial: number; before: bigint } | null = null;
    let read: { serial: number; page: Page } | null = null;
    for (let i = 0; i < 300; i++) {
      // At every moment, a message is as it was at the newest event that is in it.
      for (const post of p.state.timeline.posts) {
        const known = p.state.cursor!.sequence > post.changed ? p.state.cursor!.sequence : post.changed;
        const had = log.texts.findLast((t) => t.target === post.sequence && t.since <= known);
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
        p.do({ type: "page", ...read });
        read = null;
      } else {
        p.do({ type: "earlier" });
      }
      const [ask] = p.of("list");
      if (ask?.place && "before" in ask.place) asked = { serial: ask.serial, before: ask.place.before.sequence };
    }
    for (const e of stream) p.frames({ kind: "event", event: e });
    const { posts, oldest } = p.state.timeline;
    const want = log.page(10_000n, 10_000).events.filter((e) => e.sequence >= oldest).map(postOf).filter((post) => post !== null);
    assert.deepEqual(plain(posts), plain(want), `seed ${seed}`);
    assert.equal(p.state.link.phase, "live", `seed ${seed}: a gap where there is none`);
  }
});
