// What the page knows of the contract: the parts of chat.v1 that it uses, as
// plain values that can be cloned between tabs. Times are milliseconds since
// 1970, durations milliseconds.

/** Somebody who takes part. Without an id, a caller that has no token. */
export interface Member {
  readonly id: string;
  readonly name: string;
}

/** A token, whom it stands for, and when it ends. */
export interface Identity {
  readonly token: string;
  readonly member: Member;
  readonly expires: number;
}

/** A place in a room's log: everything up to and including sequence was seen. */
export interface Cursor {
  readonly epoch: string;
  readonly sequence: bigint;
}

/** An event of the room's log. */
export interface Event {
  readonly sequence: bigint;
  /** The sequence of the retained event before this one, 0 when there is none. */
  readonly previous: bigint;
  readonly time: number;
  readonly id: string;
  readonly sender: Member;
  /** What was said; null for a kind of event that the page doesn't know. */
  readonly text: string | null;
}

/** Where a subscription starts. */
export type Start = { readonly after: Cursor } | { readonly recent: number };

/** One item of a stream. Kinds that the page has no use for are "other". */
export type Frame =
  | { readonly kind: "joined"; readonly epoch: string; readonly head: bigint; readonly heartbeat: number }
  | { readonly kind: "event"; readonly event: Event }
  | { readonly kind: "caughtUp" }
  | { readonly kind: "reset"; readonly epoch: string; readonly head: bigint }
  | { readonly kind: "draining"; readonly reconnectAfter: number }
  | { readonly kind: "other" };

/** One page of history. */
export interface Page {
  readonly epoch: string;
  readonly events: readonly Event[];
  /** Whether there is more in the direction of the page. */
  readonly more: boolean;
  /** The cursor behind the page. */
  readonly next: Cursor;
}

/** The answer to a send: where the event was stored. */
export interface Receipt {
  readonly epoch: string;
  readonly sequence: bigint;
  readonly time: number;
}

/** The code of an error, as Connect names it: "unavailable", "invalid_argument". */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Why a stream ended. */
export interface End extends Failure {
  /** The stream goes on elsewhere: nothing failed, and there is nothing to wait for. */
  readonly moved?: boolean;
}
