/** A failure as plain data: it can be kept in a state and posted to other tabs. */
export interface Failure {
  /** The code of the error, as Connect names it. */
  readonly code: FailureCode;
  /** A sentence for the person at the screen. */
  readonly message: string;
  /** How long the server asks to wait before another attempt, in milliseconds; missing if it does not. */
  readonly retryAfter?: number;
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

  constructor({ code, message, retryAfter }: Failure) {
    super(message);
    this.code = code;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

/** The failure that a promise was rejected with. TypeScript does not know the type of a rejection. */
export function failureOf(reason: unknown): Failure {
  return reason instanceof ChatError ? reason : { code: "unknown", message: String(reason) };
}
