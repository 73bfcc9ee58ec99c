/** A failure as plain data: it can be kept in a state and posted to other tabs. */
export interface Failure {
  /** The code of the error, as Connect names it. */
  readonly code: FailureCode;
  /** A sentence in English. For a person at the screen, a user interface has words of its own by the code and the reason. */
  readonly message: string;
  /** How long the server asks to wait before another attempt, in milliseconds; missing if it does not. */
  readonly retryAfter?: number;
  /**
   * What the server names in a detail: the reason in one of type google.rpc.ErrorInfo, as RIGHT_REQUIRED,
   * or the id of the first rule that the request breaks, as name.length; or one of ownReasons.
   */
  readonly reason?: string;
  /** The room that a refused stream may not have. */
  readonly room?: string;
  /** The right in the room that the caller lacks, as the policy names it: "create" for a room that does not exist. */
  readonly right?: string;
  /** When a ban or a mute ends, in milliseconds since 1970; missing if it does not. */
  readonly until?: number;
  /** What the moderator has given as the reason of a ban or a mute; missing if nothing. */
  readonly moderatorReason?: string;
}

/** The reasons of failures that this library finds itself. */
export const ownReasons = {
  /** The server was not reached. */
  unreachable: "UNREACHABLE",
  /** A proxy or a filter in front of the server has refused the call. */
  refusedInFront: "REFUSED_IN_FRONT",
  /** The session of an account has ended. */
  sessionEnded: "SESSION_ENDED",
  /** The answer to the last attempt at a send did not come, and the server does not remember the send any more. */
  outcomeUnknown: "OUTCOME_UNKNOWN",
} as const;

export type FailureCode =
  | "canceled"
  | "unknown"
  | "invalid_argument"
  | "deadline_exceeded"
  | "not_found"
  | "already_exists"
  | "permission_denied"
  | "resource_exhausted"
  | "failed_precondition"
  | "aborted"
  | "out_of_range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data_loss"
  | "unauthenticated";

/** What a call to the service rejects with. */
export class ChatError extends Error implements Failure {
  declare readonly code: FailureCode;
  declare readonly retryAfter?: number;
  declare readonly reason?: string;
  declare readonly room?: string;
  declare readonly right?: string;
  declare readonly until?: number;
  declare readonly moderatorReason?: string;

  constructor({ message, ...facts }: Failure) {
    super(message);
    this.name = "ChatError";
    Object.assign(this, facts);
  }
}

/** Whether a call failed because the server was not reached, or did not answer in time. */
export function isUnanswered({ code }: Failure): boolean {
  return code === "unavailable" || code === "deadline_exceeded";
}

/** The failure that a promise was rejected with. TypeScript does not know the type of a rejection. */
export function failureOf(reason: unknown): Failure {
  if (!(reason instanceof ChatError)) return { code: "unknown", message: String(reason) };
  const { name: _, ...facts } = reason; // between tabs and in a database an Error is nothing but its message
  return { ...facts, message: reason.message };
}
