import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** The space between a popover, what it belongs to and the edge of the window, in pixels. */
const margin = 6;

/** Where a popover is shown. On small screens the style sheet decides. */
export interface Placement {
  /** What it belongs to: an element, or a place in the window. Without it, the end of the window. */
  readonly anchor: Element | DOMRectReadOnly | undefined;
  /** The preferred side. The other one is taken if there is no room. */
  readonly side: "above" | "below";
  /** Which of its inline edges is in line with that of the anchor. */
  readonly align: "start" | "end";
}

interface Props {
  readonly class: string;
  readonly role: "dialog" | "menu";
  readonly label: string;
  readonly placement: Placement;
  /** What has the focus first: the first button without it, and the popover itself if it has none. */
  readonly focused?: RefObject<HTMLElement | null>;
  readonly onClose: () => void;
  readonly onKeyDown?: (event: KeyboardEvent) => void;
  readonly children: (closeAnd: CloseAnd) => ComponentChildren;
}

/**
 * Returns a handler that closes the popover and then acts, in this order: closing restores the focus,
 * which the action may move.
 */
export type CloseAnd = (act: () => void) => () => void;

/** A part of the page above the others. The browser closes it on Esc and on a press elsewhere. */
export function Popover(props: Props) {
  const { role, label, placement, focused, onClose, onKeyDown, children } = props;
  const popover = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = popover;
    if (!current) return;
    current.showPopover();
    place(current, placement);
    (focused?.current ?? current.querySelector("button") ?? current).focus({ preventScroll: true });
    return () => {
      if (current.isConnected) current.hidePopover();
    };
  }, []);
  const closeAnd: CloseAnd = (act) => () => {
    popover.current?.hidePopover();
    act();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: every role that it can have is interactive
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: every role that it can have supports a label
    <div
      ref={popover}
      class={props.class}
      popover="auto"
      role={role}
      tabIndex={-1}
      aria-label={label}
      onToggle={(event) => event.newState === "closed" && onClose()}
      onKeyDown={onKeyDown}
    >
      {children(closeAnd)}
    </div>
  );
}

/** Puts the popover beside its anchor, within the window. */
function place(popover: HTMLElement, { anchor, side, align }: Placement): void {
  const at = anchor instanceof Element ? anchor.getBoundingClientRect() : (anchor ?? windowEnd());
  const { width, height } = popover.getBoundingClientRect();
  const isLeftToRight = getComputedStyle(popover).direction === "ltr";
  const left = isLeftToRight === (align === "start") ? at.left : at.right - width;
  const above = at.top - height - margin;
  const below = at.bottom + margin;
  const hasRoom = { above: above >= margin, below: below + height + margin <= innerHeight };
  const isAbove = side === "above" ? hasRoom.above : !hasRoom.below;
  popover.style.setProperty("--x", `${within(left, innerWidth - width)}px`);
  popover.style.setProperty("--y", `${within(isAbove ? above : below, innerHeight - height)}px`);
}

function windowEnd(): DOMRectReadOnly {
  return new DOMRectReadOnly(innerWidth, innerHeight, 0, 0);
}

function within(position: number, space: number): number {
  return Math.max(margin, Math.min(position, space - margin));
}
