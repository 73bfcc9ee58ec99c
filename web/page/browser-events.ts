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
