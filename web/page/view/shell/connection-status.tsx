import { useEffect, useState } from "preact/hooks";
import { type Connection, clock } from "../../../client";
import type { Dispatch } from "../../state/act";

/** How long a lost connection still shows as live, in milliseconds: most are restored within it. */
const gracePeriod = 500;

interface StatusReport {
  readonly tone: "good" | "busy" | "bad";
  readonly text: string;
  /** When the next attempt starts, 0 if it has started; null if there is none. */
  readonly retryAt: number | null;
}

/** Describes the connection in words. */
export function statusReport(connection: Connection): StatusReport {
  const { phase, draining, failures, retryAt, problem } = connection;
  switch (phase) {
    case "live":
    case "catchingUp":
      if (draining) return { tone: "busy", text: "The server is restarting", retryAt: null };
      if (connection.unanswered) return { tone: "bad", text: "The server does not answer", retryAt: null };
      if (phase === "live") return { tone: "good", text: "Live", retryAt: null };
      return { tone: "busy", text: "Catching up…", retryAt: null };
    case "idle":
    case "connecting":
    case "signingIn":
      if (failures > 0) return { tone: "bad", text: lostReason(connection), retryAt: 0 };
      return { tone: "busy", text: draining ? "The server is restarting" : "Connecting…", retryAt: null };
    case "waiting":
      return { tone: "bad", text: lostReason(connection), retryAt };
    case "refused":
      return { tone: "bad", text: `The server refuses: ${problem}`, retryAt: null };
  }
}

function lostReason({ online, draining, caughtUpOnce }: Connection): string {
  if (!online) return "You seem to be offline";
  if (draining) return "The server is restarting";
  return caughtUpOnce ? "Connection lost" : "No connection";
}

interface Props {
  readonly connection: Connection;
  readonly dispatch: Dispatch;
}

export function ConnectionStatus({ connection, dispatch }: Props) {
  const { tone, text, retryAt } = statusReport(useGracePeriod(connection));
  return (
    <div class="status" data-tone={tone}>
      <p>
        <span class="dot" aria-hidden="true" />
        <span role="status">{text}</span>
        {retryAt !== null && <Countdown at={retryAt} />}
      </p>
      {tone === "bad" && (
        <button type="button" class="small outlined" onClick={() => dispatch({ type: "reconnect" })}>
          Reconnect now
        </button>
      )}
    </div>
  );
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
  return <span aria-hidden="true">{seconds > 0 ? `, reconnecting in ${seconds} s` : ", reconnecting…"}</span>;
}

/** Returns the connection, or for the grace period the live one from before. */
function useGracePeriod(connection: Connection): Connection {
  const [shown, setShown] = useState(connection);
  const isHeld = shown.phase === "live" && !shown.draining && connection.phase !== "live";
  useEffect(() => {
    if (!isHeld) {
      setShown(connection);
      return;
    }
    const timer = setTimeout(() => setShown(connection), gracePeriod);
    return () => clearTimeout(timer);
  }, [connection, isHeld]);
  return isHeld ? shown : connection;
}
