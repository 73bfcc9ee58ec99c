// The messages that replies quote. The timeline has most of them; the others are
// loaded one by one.

import type { Cursor, Event, EventsPage } from "../model";
import type { Transition } from "./effect";
import { applyChange, changeOf, indexOfPost, type Post, postOf } from "./posts";
import { covers, type Timeline } from "./timeline";

/** What a reply quotes: a message, a deleted one, or one that could not be loaded yet. */
export type Quote = Post | "deleted" | "unknown";

export interface Quotes {
  /** By sequence, those that the timeline does not have. */
  readonly loaded: ReadonlyMap<bigint, Quote>;
  /** The sequences still to be loaded; the first one is in flight. */
  readonly queue: readonly bigint[];
  readonly serial: number;
}

/** The other parts of the state that the loading of quotes reads. */
export interface QuoteContext {
  readonly timeline: Timeline;
  readonly cursor: Cursor | null;
}

export const noQuotes: Quotes = { loaded: new Map(), queue: [], serial: 0 };

/** Returns the message with a sequence, for a reply to it. */
export function quoteOf(quotes: Quotes, timeline: Timeline, sequence: bigint): Quote {
  const post = timeline.posts[indexOfPost(timeline.posts, sequence)];
  if (post) return post;
  return covers(timeline, sequence) ? "deleted" : (quotes.loaded.get(sequence) ?? "unknown");
}

/** Loads the messages that posts quote, except those that are known. */
export function loadQuotes(quotes: Quotes, posts: readonly Post[], context: QuoteContext): Transition<Quotes> {
  const { loaded, queue } = quotes;
  const isMissing = (s: bigint) =>
    s > 0n && !loaded.has(s) && !queue.includes(s) && quoteOf(quotes, context.timeline, s) === "unknown";
  const missing = new Set(posts.map((post) => post.replyTo).filter(isMissing));
  if (missing.size === 0) return [quotes];
  const next = { ...quotes, queue: [...queue, ...missing] };
  return queue.length === 0 ? loadFirst(next, context) : [next];
}

function loadFirst(quotes: Quotes, { cursor }: QuoteContext): Transition<Quotes> {
  const sequence = quotes.queue[0];
  if (!sequence || !cursor) return [quotes];
  const serial = quotes.serial + 1;
  const before = { epoch: cursor.epoch, sequence: sequence + 1n };
  return [
    { ...quotes, serial },
    { type: "loadQuote", serial, before },
  ];
}

/** A page with only the first message of the queue was loaded; null if loading failed. */
export function quoteLoaded(quotes: Quotes, page: EventsPage | null, context: QuoteContext): Transition<Quotes> {
  const [sequence, ...queue] = quotes.queue;
  if (!sequence) return [quotes];
  const event = page?.events.find((e) => e.sequence === sequence);
  const post = event && postOf(event);
  const loaded = new Map(quotes.loaded).set(sequence, post ?? (page ? "deleted" : "unknown"));
  return loadFirst({ ...quotes, loaded, queue }, context);
}

/** Applies an event that changes a quoted message. */
export function changeQuote(quotes: Quotes, e: Event, context: QuoteContext): Transition<Quotes> {
  const change = changeOf(e);
  if (!change) return [quotes];
  const post = quotes.loaded.get(change.target);
  if (typeof post === "object") {
    const after = applyChange([post], e)[0] ?? "deleted";
    return [{ ...quotes, loaded: new Map(quotes.loaded).set(change.target, after) }];
  }
  // The answer in flight may be older than the change.
  return quotes.queue[0] === change.target ? loadFirst(quotes, context) : [quotes];
}

/** Loads again what could not be loaded. */
export function retryQuotes(quotes: Quotes, context: QuoteContext): Transition<Quotes> {
  const loaded = new Map([...quotes.loaded].filter(([, quote]) => quote !== "unknown"));
  if (loaded.size === quotes.loaded.size) return [quotes];
  return loadQuotes({ ...quotes, loaded }, context.timeline.posts, context);
}
