import type { Muted } from "../../../client";
import { rich, t } from "../../i18n";
import { shortTime } from "../controls/time";

interface Props {
  /** The mute that is the reason; null if the room is read-only for the user. */
  readonly muted: Muted | null;
}

/** Stands in the place of the composer, and says why there is none. */
export function ReadOnly({ muted }: Props) {
  return (
    <p class="read-only" role="status">
      {muted ? mutedLabel(muted) : t("log.readOnly")}
      {muted && muted.reason !== "" && <> {rich("failure.reason", { reason: <bdi>{muted.reason}</bdi> })}</>}
    </p>
  );
}

function mutedLabel({ until }: Muted): string {
  return until === 0 ? t("failure.MUTED") : t("log.mutedUntil", { time: shortTime(until) });
}
