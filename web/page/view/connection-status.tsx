import { useEffect, useState } from "preact/hooks";
import type { Link, State } from "../../client/session/step";
import type { Dispatch } from "./page";

/** How long a connection may be away before the page says so, in milliseconds. */
const grace = 500;

interface Report {
  readonly tone: "good" | "busy" | "bad";
  /** What is read out, and shown. */
  readonly text: string;
  /** When it is tried again, 0 for now; null when it is not. */
  readonly again: number | null;
}

/** The connection in words. */
export function report({ link }: Pick<State, "link">): Report {
  const { phase, restarting, attempt, retryAt, problem } = link;
  switch (phase) {
    case "live":
    case "catchingUp":
      if (restarting) return { tone: "busy", text: "The server is restarting", again: null };
      return phase === "live" ? { tone: "good", text: "Live", again: null } : { tone: "busy", text: "Catching up…", again: null };
    case "connecting":
    case "signingIn":
      // The first try after a stream that lived is over before it is worth a word.
      if (attempt === 0) return { tone: "busy", text: restarting ? "The server is restarting" : "Connecting…", again: null };
      return { tone: "bad", text: away(link), again: 0 };
    case "waiting":
      return { tone: "bad", text: away(link), again: retryAt };
    case "refused":
      return { tone: "bad", text: `The server refuses: ${problem}`, again: null };
  }
}

function away({ online, restarting, settled }: Link): string {
  if (!online) return "You seem to be offline";
  if (restarting) return "The server is restarting";
  return settled ? "Connection lost" : "No connection";
}

/** The state of the connection, read out when it changes. */
export function Status({ state, dispatch }: { state: State; dispatch: Dispatch }) {
  const link = useSteady(state.link);
  const { tone, text, again } = report({ link });
  return (
    <div class="status" data-tone={tone}>
      <p>
        <span class="dot" aria-hidden="true" />
        <span role="status">{text}</span>
        {again !== null && <Countdown at={again} />}
      </p>
      {tone === "bad" && (
        <button type="button" class="small plain" onClick={() => dispatch({ type: "reconnect" })}>Reconnect now</button>
      )}
    </div>
  );
}

/** Seconds until a time. Not part of what is read out, or it would never end. */
function Countdown({ at }: { at: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [at]);
  const seconds = Math.ceil((at - now) / 1_000);
  return <span aria-hidden="true">{seconds > 0 ? `, reconnecting in ${seconds} s` : ", reconnecting…"}</span>;
}

/** Keeps showing a live connection for a moment: most are back before it is over. */
function useSteady(link: Link): Link {
  const [shown, setShown] = useState(link);
  const steady = shown.phase === "live" && !shown.restarting && link.phase !== "live";
  const next = steady ? shown : link;
  useEffect(() => {
    if (!steady) {
      setShown(link);
      return undefined;
    }
    const timer = setTimeout(() => setShown(link), grace);
    return () => clearTimeout(timer);
  }, [link, steady]);
  return next;
}
