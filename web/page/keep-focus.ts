// Moves the focus when the focused element is removed, such as a button that closes its own panel.
// On the body, keys would have no effect, and a screen reader would start from the top.

/** Follows the focus on the page. */
export function keepFocus(): void {
  let last: EventTarget | null = null;
  document.addEventListener("focusin", ({ target }) => {
    last = target;
  });
  new MutationObserver(() => {
    if (!(last instanceof Element) || last.isConnected || document.activeElement !== document.body) return;
    last = null;
    // What comes in its place, and takes the focus itself, is drawn by then.
    setTimeout(() => {
      if (document.activeElement === document.body) nextPlace()?.focus({ preventScroll: true });
    }, 100);
  }).observe(document.body, { childList: true, subtree: true });
}

/** The field for a message or for the name, and on a touch screen, where that would open the keyboard, the heading. */
function nextPlace(): HTMLElement | null {
  const field = matchMedia("(hover: hover)").matches && document.querySelector<HTMLElement>("#text, #name");
  return field || document.querySelector<HTMLElement>("h1 button");
}
