import type { ComponentChild } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clock } from "../../../client";
import { rich, t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { type ConnectionReport, isDisconnected, showDelay } from "../../state/connection-report";
import { failureText } from "../controls/failure-text";
import { Icon, type IconName } from "../controls/icons";

/** How long screen readers have for the news that the connection is back, in milliseconds. */
const recoveryTime = 5_000;

interface Props {
  readonly report: ConnectionReport;
  /** Whether the page shows the text elsewhere: it is then for screen readers only. */
  readonly hidden: boolean;
  /** What leads on when the sign-in has expired; null if there is no provider. */
  readonly onSignIn: (() => void) | null;
  readonly dispatch: Dispatch;
}

/** Says what is wrong with the connection, and offers a way on. While all is well, it takes no space. */
export function ConnectionBanner({ report, hidden, onSignIn, dispatch }: Props) {
  const shown = useShown(report);
  const recovered = useRecovered(shown.kind);
  const isQuiet = shown.kind === "live" || shown.kind === "refused"; // a refusal is said in the room's place
  return (
    <div class="banner" data-kind={shown.kind} data-shown={!isQuiet && !hidden}>
      {!isQuiet && <Icon name={iconOf(shown)} />}
      <p>
        <span role="status">{isQuiet ? recovered && t("shell.connectedAgain") : bannerText(shown)}</span>
        {!isQuiet && "retryAt" in shown && shown.retryAt !== null && <Countdown at={shown.retryAt} />}
      </p>
      {shown.kind === "expired" && onSignIn && (
        <button type="button" class="small outlined" onClick={onSignIn}>
          {t("shell.signInAgain")}
        </button>
      )}
      {(isDisconnected(shown) || shown.kind === "unanswered" || shown.kind === "expired") && (
        <button type="button" class="small outlined try-now" onClick={() => dispatch({ type: "reconnect" })}>
          {t("shell.tryNow")}
        </button>
      )}
    </div>
  );
}

function iconOf({ kind }: ConnectionReport): IconName {
  switch (kind) {
    case "offline":
    case "lost":
    case "unreachable":
      return "offline";
    case "unanswered":
      return "unanswered";
    case "unsent":
    case "expired":
      return "warning";
    default:
      return "retry";
  }
}

/** What is said of a state, in a sentence. */
export function bannerText(report: ConnectionReport): ComponentChild {
  switch (report.kind) {
    case "live":
    case "refused":
      return "";
    case "connecting":
      return t("shell.connecting");
    case "catchingUp":
      return t("shell.catchingUp");
    case "restarting":
      return t("shell.restarting");
    case "unanswered":
      return t("shell.unanswered");
    case "offline":
      return t("shell.offline");
    case "lost":
      return t("shell.lost");
    case "unreachable":
      return t("shell.unreachable");
    case "expired":
      return t("shell.expired");
    case "unsent":
      return rich("shell.unsent", { problem: <bdi>{failureText(report.failure)}</bdi> }, { count: report.count });
  }
}

/** Seconds until a time. It is hidden from screen readers, which would read out every second. */
function Countdown({ at }: { at: number }) {
  const [now, setNow] = useState(clock());
  useEffect(() => {
    setNow(clock());
    const timer = setInterval(() => setNow(clock()), 250);
    return () => clearInterval(timer);
  }, [at]);
  const seconds = Math.ceil((at - now) / 1_000);
  return (
    <span class="countdown" aria-hidden="true">
      {seconds > 0 ? t("shell.retryIn", { seconds }) : t("shell.retrying")}
    </span>
  );
}

/** Returns the report, or until it has lasted for its delay the good one from before. */
function useShown(report: ConnectionReport): ConnectionReport {
  const [isHeld, setHeld] = useState(true);
  const delay = showDelay(report);
  const isWell = report.kind === "live";
  useEffect(() => {
    if (isWell || delay === 0) {
      setHeld(isWell);
      return;
    }
    const timer = setTimeout(() => setHeld(false), delay);
    return () => clearTimeout(timer);
  }, [isWell, delay]);
  return isHeld && delay > 0 ? { kind: "live" } : report;
}

/** Whether the connection has come back a moment ago, after that it was lost was shown. */
function useRecovered(kind: ConnectionReport["kind"]): boolean {
  const [isRecovered, setRecovered] = useState(false);
  const before = useRef(kind);
  useEffect(() => {
    const isBack = kind === "live" && before.current !== "live" && before.current !== "refused";
    before.current = kind;
    setRecovered(isBack);
    if (!isBack) return;
    const timer = setTimeout(() => setRecovered(false), recoveryTime);
    return () => clearTimeout(timer);
  }, [kind]);
  return isRecovered;
}
