/** The space between a popover, what it belongs to and the edge of the window, in pixels. */
const margin = 6;

/** Puts a popover under an element or a point, or above it, within the window. On small screens the style sheet decides. */
export function placeAt(popover: HTMLElement, { left, right, top, bottom }: Omit<DOMRectReadOnly, "toJSON">): void {
  const { width, height } = popover.getBoundingClientRect();
  const isRightToLeft = getComputedStyle(popover).direction === "rtl";
  const x = Math.min(isRightToLeft ? right - width : left, innerWidth - width - margin);
  const isBelow = bottom + height + 2 * margin <= innerHeight;
  const y = isBelow ? bottom + margin : Math.min(top - height - margin, innerHeight - height - margin);
  popover.style.setProperty("--x", `${Math.max(margin, x)}px`);
  popover.style.setProperty("--y", `${Math.max(margin, y)}px`);
}
