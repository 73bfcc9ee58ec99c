// What is shown in the place of a room: it is refused, there is no connection to read it,
// or there is no such room.

import type { ComponentChild } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { SessionState } from "../../../client";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { roomPath } from "../../state/address";
import type { ConnectionReport } from "../../state/connection-report";
import { EmptyState } from "../controls/empty-state";
import { failureText } from "../controls/failure-text";
import { bannerText } from "./banner";

const lobby = "lobby";

interface RefusedProps {
  readonly state: SessionState;
  /** What asks for a name; null for a user who has one. */
  readonly welcome: ComponentChild;
  readonly dispatch: Dispatch;
  readonly onRoom: (room: string) => void;
  /** Opens the list of rooms; null if it is on screen. */
  readonly onRooms: (() => void) | null;
}

/** The server refuses the room. It is said once, with ways on. */
export function RefusedRoom({ state, welcome, dispatch, onRoom, onRooms }: RefusedProps) {
  const { room, auth, feed, connection } = state;
  const failure = feed.refusal ?? connection.failure;
  const { reason, right } = failure ?? {};
  const isMissing = reason === "RIGHT_REQUIRED" && right === "create";
  // With a name the answer may be another one.
  const offersName = welcome !== null && (isMissing || reason === "TOKEN_REQUIRED");
  const problem = offersName && !isMissing ? t("shell.needsName") : failureText(failure);
  // With another identity the answer may be another one.
  const token = auth.identity?.token;
  const refused = useRef(token);
  useEffect(() => {
    if (token !== refused.current) dispatch({ type: "reconnect" });
    refused.current = token;
  }, [token, dispatch]);
  return (
    <main class="room placeholder">
      <EmptyState illustration="closedRoom" heading={2} title={isMissing ? t("shell.noRoom") : t("shell.refused")}>
        <p class="reason">
          <bdi>{problem}</bdi>
        </p>
        <div class="buttons">
          <button type="button" class="quiet try-now" onClick={() => dispatch({ type: "reconnect" })}>
            {t("shell.tryAgain")}
          </button>
          {onRooms && (
            <button type="button" class="outlined" onClick={onRooms}>
              {t("shell.otherRooms")}
            </button>
          )}
          {room !== lobby && (
            <button type="button" onClick={() => onRoom(lobby)}>
              {t("shell.toLobby")}
            </button>
          )}
        </div>
      </EmptyState>
      {offersName && welcome}
    </main>
  );
}

interface UnreadProps {
  readonly report: ConnectionReport;
  readonly dispatch: Dispatch;
}

/** There has been no connection to read the room, and there is none. */
export function UnreadRoom({ report, dispatch }: UnreadProps) {
  return (
    <section class="room placeholder" aria-label={t("shell.unreachable")}>
      <EmptyState illustration="offline" heading={2} title={bannerText(report)}>
        <p>{t("shell.unreadRoom")}</p>
        <div class="buttons">
          <button type="button" class="outlined try-now" onClick={() => dispatch({ type: "reconnect" })}>
            {t("shell.tryNow")}
          </button>
        </div>
      </EmptyState>
    </section>
  );
}

/** Shown instead of the page when the address has no valid name of a room. */
export function InvalidRoom() {
  return (
    <main class="note">
      <EmptyState illustration="invalidRoom" heading={1} title={t("shell.invalidRoom")}>
        <p>{t("shell.roomNameRule")}</p>
        <div class="buttons">
          <a class="button" href={roomPath(lobby)}>
            {t("shell.toLobby")}
          </a>
        </div>
      </EmptyState>
    </main>
  );
}
