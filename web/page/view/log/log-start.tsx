import type { Reset, SessionState } from "../../../client";
import type { Dispatch } from "../../state/act";

interface Props {
  readonly state: SessionState;
  readonly dispatch: Dispatch;
}

/** What is above the first message: a button for earlier ones, or the beginning of the room. */
export function LogStart({ state, dispatch }: Props) {
  const { history, timeline, feed, room, outbox } = state;
  const loadEarlier = () => dispatch({ type: "loadEarlier" });
  const isLoading = history.phase === "loading";
  if (history.phase === "failed") {
    return (
      <div class="log-start">
        <p class="problem">Earlier messages could not be loaded. {history.problem}</p>
        <button type="button" class="quiet" onClick={loadEarlier}>
          Try again
        </button>
      </div>
    );
  }
  const lost = timeline.reset && <p class="lost">{lostLabel(timeline.reset)}</p>;
  if (timeline.more || isLoading) {
    return (
      <div class="log-start">
        {lost}
        <button type="button" class="quiet" aria-disabled={isLoading} onClick={loadEarlier}>
          {isLoading ? "Loading…" : "Load earlier messages"}
        </button>
      </div>
    );
  }
  if (timeline.reset) return <div class="log-start">{lost}</div>; // the room began before
  if (timeline.missing) {
    return (
      <div class="log-start">
        <p class="lost">{notKept(timeline.missing, "earlier ")}</p>
      </div>
    );
  }
  if (timeline.missing === null) return <div class="log-start" />;
  if (timeline.posts.length > 0) {
    return (
      <div class="log-start">
        <p>
          This is where <b>#{room}</b> begins.
        </p>
      </div>
    );
  }
  if (!feed.caughtUpOnce || outbox.entries.length > 0) return <div class="log-start" />;
  return (
    <div class="log-start empty">
      <p>
        <b>There are no messages in #{room} yet.</b>
      </p>
      <p>Write the first one.</p>
    </div>
  );
}

/** What is said when the stream could not bring what came while there was no connection. */
function lostLabel({ newLog, missed }: Reset): string {
  if (newLog) return "The server has lost the messages that were here.";
  return missed ? notKept(missed) : "Some messages are no longer kept.";
}

function notKept(count: number, which = ""): string {
  return count === 1
    ? `1 ${which}message is no longer kept.`
    : `${count.toLocaleString()} ${which}messages are no longer kept.`;
}
