/** A failure as plain data: it can be kept in a state and posted to other tabs. */
export interface Failure {
  /** The code of the error, as Connect names it. */
  readonly code: FailureCode;
  /** A sentence for the person at the screen. */
  readonly message: string;
  /** How long the server asks to wait before another attempt, in milliseconds; missing if it does not. */
  readonly retryAfter?: number;
  /** The reason that the server gives in a detail of type google.rpc.ErrorInfo, as RIGHT_REQUIRED. */
  readonly reason?: string;
  /** The room that a refused stream may not have. */
  readonly room?: string;
  /** The right in the room that the caller lacks, as the policy names it: "create" for a room that does not exist. */
  readonly right?: string;
}

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
  readonly code: FailureCode;
  readonly retryAfter?: number;
  readonly reason?: string;
  readonly room?: string;
  readonly right?: string;

  constructor({ code, message, retryAfter, reason, room, right }: Failure) {
    super(message);
    this.name = "ChatError";
    this.code = code;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
    if (reason !== undefined) this.reason = reason;
    if (room !== undefined) this.room = room;
    if (right !== undefined) this.right = right;
  }
}

/** Whether a call failed because the server was not reached, or did not answer in time. */
export function isUnanswered({ code }: Failure): boolean {
  return code === "unavailable" || code === "deadline_exceeded";
}

/** The failure that a promise was rejected with. TypeScript does not know the type of a rejection. */
export function failureOf(reason: unknown): Failure {
  return reason instanceof ChatError ? reason : { code: "unknown", message: String(reason) };
}
