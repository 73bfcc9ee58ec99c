import type { Failure } from "../failure";
import type { Cursor, Frame, Identity, Receipt, SendBody } from "../model";
import type { Timer } from "./effect";
import type { OutboxEntry } from "./outbox-entry";

/** A room that a tab wants, and the last event of it that the tab has; null for none. */
export interface Want {
  readonly room: string;
  readonly cursor: Cursor | null;
}

/** What a tab, its user or its browser asks of the hub. */
export type Request =
  /** All rooms that the tab wants: none when it is closed. */
  | { readonly type: "want"; readonly tab: string; readonly rooms: readonly Want[] }
  /** The user submits a name. */
  | { readonly type: "signIn"; readonly name: string }
  /** The user signs out. */
  | { readonly type: "signOut" }
  /** The page has signed in or out by other means, and has stored that. */
  | { readonly type: "identityShared"; readonly identity: Identity | null }
  /** What the user sends. The tab has stored it. */
  | { readonly type: "send"; readonly entry: OutboxEntry }
  /** A tab that has led before has stored what it has not sent. */
  | { readonly type: "outboxStored" }
  /** The user retries a failed send, possibly changed. */
  | { readonly type: "retry"; readonly id: string; readonly body: SendBody }
  /** The user gives up a failed send. */
  | { readonly type: "discard"; readonly id: string }
  /** The user wants a connection now. */
  | { readonly type: "reconnect" }
  /** The device or a page was asleep: timers may be late, and the stream dead. */
  | { readonly type: "woke" }
  /** The user does something on a page. */
  | { readonly type: "attended" }
  | { readonly type: "networkChanged"; readonly online: boolean }
  /** A call of a tab waits for its answer, or has failed without one. */
  | { readonly type: "callUnanswered" }
  | { readonly type: "callAnswered" };

/** What happens to the hub: the request of a tab, or the answer to an effect. */
export type HubInput =
  | Request
  | { readonly type: "frame"; readonly stream: number; readonly frame: Frame }
  | { readonly type: "ended"; readonly stream: number; readonly end: Failure }
  | { readonly type: "timer"; readonly timer: Timer }
  | { readonly type: "signedIn"; readonly serial: number; readonly identity: Identity }
  | { readonly type: "signInFailed"; readonly serial: number; readonly failure: Failure }
  /** What other tabs or an earlier visit have stored in the outbox. */
  | { readonly type: "restored"; readonly entries: readonly OutboxEntry[] }
  | { readonly type: "renewFailed"; readonly stream: number }
  | { readonly type: "sent"; readonly id: string; readonly receipt: Receipt }
  | { readonly type: "sendFailed"; readonly id: string; readonly token: string; readonly failure: Failure }
  | { readonly type: "probeAnswered"; readonly serial: number }
  | { readonly type: "probeFailed"; readonly serial: number };
