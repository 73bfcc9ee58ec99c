import type { Muted } from "../../../client";
import { shortTime } from "../controls/time";

interface Props {
  /** The mute that is the reason; null if the room is read-only for the user. */
  readonly muted: Muted | null;
}

/** Stands in the place of the composer, and says why there is none. */
export function ReadOnly({ muted }: Props) {
  return (
    <p class="read-only" role="status">
      {muted ? mutedLabel(muted) : "You can read in this room, and not write."}
      {muted && muted.reason !== "" && (
        <>
          {" Reason: "}
          <bdi>{muted.reason}</bdi>
        </>
      )}
    </p>
  );
}

function mutedLabel({ until }: Muted): string {
  return until === 0 ? "You are muted in this room." : `You are muted in this room until ${shortTime(until)}.`;
}
