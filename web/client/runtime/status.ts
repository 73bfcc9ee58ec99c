import type { Auth } from "../hub/auth";
import type { Connection } from "../hub/connection";

/**
 * - connecting: the first attempt
 * - live: the stream is fresh, and calls are answered
 * - behind: the stream is there, but still brings what was missed, or calls are not answered
 * - offline: there is no connection; the next attempt starts by itself
 * - refused: the server refuses this caller; only the user can change that
 * - expired: the token is not accepted, and there is no other: sign in again
 */
export type Status = "connecting" | "live" | "behind" | "offline" | "refused" | "expired";

/** What a connection, or that of a room, amounts to. */
export function statusOf(c: Connection, auth: Auth): Status {
  switch (c.phase) {
    case "live":
      return c.unanswered ? "behind" : "live";
    case "catchingUp":
      return c.caughtUpOnce || c.unanswered ? "behind" : "connecting";
    case "refused":
      return "refused";
    case "waiting":
      return c.expired ? "expired" : "offline";
    case "idle":
    case "connecting":
    case "signingIn":
      if (c.expired || (auth.provided && auth.failure !== null)) return "expired";
      return c.failures > 0 ? "offline" : "connecting";
  }
}
