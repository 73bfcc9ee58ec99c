// The messages that replies quote. Most are held by the timeline; the others are
// read one by one, and kept as they are now.

import { changeOf, find, fold, postOf, type Post } from "./posts";
import type { Event, Page } from "../model";
import type { State, Turn } from "../session/step";

/** What a reply answers: a message, one that is gone, or one that was not read. */
export type Quote = Post | "gone" | "unread";

export interface Quotes {
  /** By sequence, those that the timeline doesn't hold. */
  readonly known: ReadonlyMap<bigint, Quote>;
  /** What is still to be read; the first one is being asked for. */
  readonly queue: readonly bigint[];
  readonly serial: number;
}

export const unknown: Quotes = { known: new Map(), queue: [], serial: 0 };

/** What a reply to a sequence answers. */
export function quoteOf({ timeline, quotes }: Pick<State, "timeline" | "quotes">, sequence: bigint): Quote {
  const held = timeline.posts[find(timeline.posts, sequence)];
  if (held) return held;
  const inside = timeline.oldest > 0n && sequence >= timeline.oldest && timeline.holes.length === 0;
  return inside ? "gone" : (quotes.known.get(sequence) ?? "unread");
}

/** Reads what these posts answer, as far as it isn't known. */
export function quote(turn: Turn, posts: readonly Post[]): void {
  const { known, queue } = turn.state.quotes;
  const isNews = (s: bigint) => s > 0n && !known.has(s) && !queue.includes(s) && quoteOf(turn.state, s) === "unread";
  const news = new Set(posts.map((post) => post.replyTo).filter(isNews));
  if (news.size === 0) return;
  turn.quotes({ queue: [...queue, ...news] });
  if (queue.length === 0) ask(turn);
}

function ask(turn: Turn): void {
  const { cursor, quotes } = turn.state;
  const next = quotes.queue[0];
  if (!next || !cursor) return;
  const serial = quotes.serial + 1;
  turn.quotes({ serial });
  turn.do({ type: "quote", serial, token: turn.token, before: { epoch: cursor.epoch, sequence: next + 1n } });
}

/** A page with nothing but the message that was asked for has come, or null if none could be had. */
export function quoted(turn: Turn, page: Page | null): void {
  const { known, queue } = turn.state.quotes;
  const [sequence, ...rest] = queue;
  if (!sequence) return;
  const event = page?.events.find((e) => e.sequence === sequence);
  const post = event && postOf(event);
  turn.quotes({ known: new Map(known).set(sequence, post ?? (page ? "gone" : "unread")), queue: rest });
  ask(turn);
}

/** A change may be one of what is quoted. */
export function requote(turn: Turn, e: Event): void {
  const change = changeOf(e);
  if (!change) return;
  const { known, queue } = turn.state.quotes;
  const post = known.get(change.target);
  if (typeof post === "object") {
    turn.quotes({ known: new Map(known).set(change.target, fold([post], e)[0] ?? "gone") });
  } else if (queue[0] === change.target) {
    ask(turn); // the answer that is on its way may be older
  }
}

/** What could not be read may be asked for again, by whoever quotes it next. */
export function retryQuotes(turn: Turn): void {
  const { known } = turn.state.quotes;
  if (![...known.values()].includes("unread")) return;
  turn.quotes({ known: new Map([...known].filter(([, q]) => q !== "unread")) });
  quote(turn, turn.state.timeline.posts);
}
