// What is to be said of the connection: nothing while all is well.

import type { Failure, SessionState } from "../../client";

export type ConnectionReport =
  | { readonly kind: "live" }
  /** The first attempt. */
  | { readonly kind: "connecting" }
  /** The connection is back, and brings what was missed. */
  | { readonly kind: "catchingUp" }
  /** The server has said that it restarts. retryAt: when the next attempt starts, 0 if it has; null if there is none. */
  | { readonly kind: "restarting"; readonly retryAt: number | null }
  /** There is a connection, and the server does not answer on it. */
  | { readonly kind: "unanswered" }
  | { readonly kind: "offline" }
  | { readonly kind: "lost"; readonly retryAt: number }
  /** As lost, where there has never been a connection. */
  | { readonly kind: "unreachable"; readonly retryAt: number }
  /** The token is refused, and so was the one after it. */
  | { readonly kind: "expired" }
  /** The server takes no messages at the moment, and says why. */
  | { readonly kind: "unsent"; readonly count: number; readonly failure: Failure }
  /** The server refuses the room, or this caller. */
  | { readonly kind: "refused" };

/** How long each state lasts before it is shown, in milliseconds: most connections are restored within it. */
const shownAfter: Partial<Record<ConnectionReport["kind"], number>> = {
  connecting: 1_500,
  catchingUp: 2_000,
  lost: 500,
  unsent: 1_500,
};

/** How long a state lasts before it is shown, in milliseconds. */
export function showDelay({ kind }: ConnectionReport): number {
  return shownAfter[kind] ?? 0;
}

/** Whether there is no connection. */
export function isDisconnected({ kind }: ConnectionReport): boolean {
  return kind === "offline" || kind === "lost" || kind === "unreachable" || kind === "restarting";
}

export function connectionReport(state: Pick<SessionState, "connection" | "outbox">): ConnectionReport {
  const { phase, draining, failures, retryAt, online, expired, unanswered } = state.connection;
  switch (phase) {
    case "live":
    case "catchingUp":
      if (!online && unanswered) return { kind: "offline" };
      if (unanswered) return { kind: "unanswered" };
      if (draining) return { kind: "restarting", retryAt: null };
      return phase === "live" ? unsentReport(state) : { kind: "catchingUp" };
    case "idle":
    case "connecting":
    case "signingIn":
      if (failures > 0 && !draining) return lostReport(state, 0);
      return draining ? { kind: "restarting", retryAt: 0 } : { kind: "connecting" };
    case "waiting":
      if (draining && online) return { kind: "restarting", retryAt };
      return expired ? { kind: "expired" } : lostReport(state, retryAt);
    case "refused":
      return { kind: "refused" };
  }
}

function lostReport({ connection }: Pick<SessionState, "connection">, retryAt: number): ConnectionReport {
  if (!connection.online) return { kind: "offline" };
  if (connection.expired) return { kind: "expired" };
  return { kind: connection.caughtUpOnce ? "lost" : "unreachable", retryAt };
}

/** Messages that failed for good say so themselves; these are attempted again. */
function unsentReport({ outbox }: Pick<SessionState, "outbox">): ConnectionReport {
  const waiting = outbox.entries.flatMap(({ status, failure }) => (failure && status !== "failed" ? [failure] : []));
  const [first] = waiting;
  return first ? { kind: "unsent", count: waiting.length, failure: first } : { kind: "live" };
}
