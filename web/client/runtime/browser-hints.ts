import type { Request } from "../hub/input";

/** The shortest time between two reports that the user does something, in milliseconds. */
const attentionInterval = 1_000;

export interface HintListener {
  /** A hint for the hub. */
  request(request: Request): void;
  /** The tab is visible again. */
  shown(): void;
  /** The browser stops this tab, possibly for good. */
  suspend(): void;
  /** It continues. */
  resume(): void;
}

/** Reports what the browser says about the network and the page. These are hints, and may be wrong. */
export function listenToBrowser(listener: HintListener): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  const reportNetwork = () => listener.request({ type: "networkChanged", online: navigator.onLine });
  const wake = () => {
    if (document.hidden) return;
    listener.shown();
    listener.request({ type: "woke" });
  };
  let attendedAt = -Infinity;
  const attend = ({ timeStamp }: Event) => {
    if (timeStamp - attendedAt < attentionInterval) return;
    attendedAt = timeStamp;
    listener.request({ type: "attended" });
  };
  for (const type of ["focus", "keydown", "pointerdown", "wheel"]) {
    window.addEventListener(type, attend, { signal, capture: true, passive: true });
  }
  window.addEventListener("online", reportNetwork, { signal });
  window.addEventListener("offline", reportNetwork, { signal });
  document.addEventListener("visibilitychange", wake, { signal });
  window.addEventListener("pagehide", () => listener.suspend(), { signal });
  window.addEventListener("pageshow", () => listener.resume(), { signal });
  document.addEventListener("freeze", () => listener.suspend(), { signal });
  document.addEventListener("resume", () => listener.resume(), { signal });
  if (!navigator.onLine) reportNetwork();
  return () => ended.abort();
}
