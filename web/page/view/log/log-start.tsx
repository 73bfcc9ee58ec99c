import type { Reset, SessionState } from "../../../client";
import { rich, t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { roomTitle } from "../../state/room-title";
import { EmptyState } from "../controls/empty-state";
import { failureText } from "../controls/failure-text";

interface Props {
  readonly state: SessionState;
  readonly dispatch: Dispatch;
}

/** What is above the first message: a button for earlier ones, or the beginning of the room. */
export function LogStart({ state, dispatch }: Props) {
  const { history, timeline, feed, room, profile, outbox } = state;
  const loadEarlier = () => dispatch({ type: "loadEarlier" });
  const roomLabel = roomTitle(room, profile.displayName);
  const isLoading = history.phase === "loading";
  if (history.phase === "failed") {
    return (
      <div class="log-start">
        <p class="problem">{t("log.earlierFailed", { problem: failureText(history.failure) })}</p>
        <button type="button" class="quiet" onClick={loadEarlier}>
          {t("log.again")}
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
          {isLoading ? t("log.loading") : t("log.earlier")}
        </button>
      </div>
    );
  }
  if (timeline.reset) return <div class="log-start">{lost}</div>; // the room began before
  if (timeline.missing) {
    return (
      <div class="log-start">
        <p class="lost">{t("log.missingEarlier", { n: timeline.missing })}</p>
      </div>
    );
  }
  if (timeline.missing === null && timeline.cut) {
    return (
      <div class="log-start">
        <p class="lost">{t("log.lostEarlier")}</p>
      </div>
    );
  }
  if (timeline.missing === null) return <div class="log-start" />;
  if (timeline.posts.length > 0) {
    return (
      <div class="log-start">
        <p class="begins">{rich("log.begins", { room: <bdi>{roomLabel}</bdi> })}</p>
        <p>
          <bdi>{profile.topic}</bdi>
        </p>
      </div>
    );
  }
  if (!feed.caughtUpOnce || outbox.entries.length > 0) return <div class="log-start" />;
  return (
    <div class="log-start empty">
      <EmptyState illustration="emptyRoom" title={rich("log.empty", { room: <bdi>{roomLabel}</bdi> })}>
        <p>{t(state.auth.identity ? "log.emptyHint" : "log.emptyHintVisitor")}</p>
      </EmptyState>
    </div>
  );
}

/** What is said when the stream could not bring what came while there was no connection. */
function lostLabel({ newLog, missed }: Reset): string {
  if (newLog) return t("log.lostLog");
  return missed ? t("log.missed", { n: missed }) : t("log.lostSome");
}
