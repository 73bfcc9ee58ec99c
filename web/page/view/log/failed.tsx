import type { TargetedMouseEvent } from "preact";
import type { Failure } from "../../../client";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { failureText } from "../controls/failure-text";

interface FailedProps {
  readonly what: string;
  /** The id of the outbox entry. */
  readonly id: string;
  readonly failure: Failure | null;
  readonly dispatch: Dispatch;
}

/** What of a message could not be sent, and what to do about it. */
export function Failed({ what, id, failure, dispatch }: FailedProps) {
  const decide = (type: "retry" | "discard") => (event: TargetedMouseEvent<HTMLButtonElement>) => {
    // The button disappears: the focus stays in the log.
    event.currentTarget.closest<HTMLElement>(".log")?.focus({ preventScroll: true });
    dispatch({ type, id });
  };
  return (
    <div class="failed">
      <p class="problem">
        <b>{what}</b> {failureText(failure)}
      </p>
      <button type="button" class="small outlined" onClick={decide("retry")}>
        {t("log.retry")}
      </button>
      <button type="button" class="small quiet" onClick={decide("discard")}>
        {t("log.discard")}
      </button>
    </div>
  );
}
