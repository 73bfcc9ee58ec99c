import type { Dispatch } from "../client";

/** Dispatches what the browser reports about the network and the page. These are hints, and may be wrong. */
export function dispatchBrowserHints(dispatch: Dispatch, signal: AbortSignal): void {
  const reportNetwork = () => dispatch({ type: "networkChanged", online: navigator.onLine });
  window.addEventListener("online", reportNetwork, { signal });
  window.addEventListener("offline", reportNetwork, { signal });
  window.addEventListener("pageshow", () => dispatch({ type: "woke" }), { signal });
  const wakeIfVisible = () => {
    if (!document.hidden) dispatch({ type: "woke" });
  };
  document.addEventListener("visibilitychange", wakeIfVisible, { signal });
  if (!navigator.onLine) reportNetwork();
}

/**
 * Returns a function that draws at most once per frame. A hidden page has no frames,
 * but its title is visible: then a timer draws.
 */
export function drawOncePerFrame(draw: () => void, signal: AbortSignal): () => void {
  let frame = 0;
  let timer = 0;
  const drawNow = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    timer = 0;
    if (!signal.aborted) draw();
  };
  return () => {
    if (timer !== 0) return;
    frame = requestAnimationFrame(drawNow);
    timer = window.setTimeout(drawNow, 100);
  };
}

/** Ends the page above an on-screen keyboard that would cover it. */
export function fitAboveKeyboard(): void {
  const { visualViewport } = window;
  visualViewport?.addEventListener("resize", () => {
    const { height, scale } = visualViewport;
    if (scale === 1) document.documentElement.style.setProperty("--visible-height", `${height}px`);
  });
}
