/** The space between a popover, its anchor and the edge of the window, in pixels. */
const margin = 8;

/**
 * Puts a popover above its anchor, or below it if there is no room, with their inline
 * ends in line. The style sheet uses --x and --y where it shows no sheet.
 */
export function placeBeside(popover: HTMLElement, anchor: HTMLElement | undefined): void {
  const { width, height } = popover.getBoundingClientRect();
  const at = anchor?.getBoundingClientRect() ?? new DOMRect(innerWidth, innerHeight, 0, 0);
  const isLeftToRight = getComputedStyle(popover).direction === "ltr";
  const above = at.top - height - margin;
  const top = above >= margin ? above : Math.min(at.bottom + margin, innerHeight - height - margin);
  const left = Math.min(isLeftToRight ? at.right - width : at.left, innerWidth - width - margin);
  popover.style.setProperty("--x", `${Math.max(margin, left)}px`);
  popover.style.setProperty("--y", `${Math.max(margin, top)}px`);
}
