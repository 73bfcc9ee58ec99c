import { useRef } from "preact/hooks";

/** How long a finger rests until that is a long press, in milliseconds. */
const pressTime = 500;
/** How far it may move meanwhile, in pixels. */
const tolerance = 10;

interface Press {
  readonly x: number;
  readonly y: number;
  readonly timer: ReturnType<typeof setTimeout>;
  readonly element: HTMLElement;
  /** Whether the finger has rested long enough. */
  isLong: boolean;
}

/**
 * Returns the listeners of an element that call back after a long press by a finger, when the finger
 * leaves: a popover that is shown before is closed by that, or has a button under the finger. Meanwhile
 * the element has the attribute data-pressed.
 */
export function useLongPress(onPress: (element: HTMLElement) => void) {
  const press = useRef<Press | null>(null);
  const end = () => {
    if (!press.current) return;
    clearTimeout(press.current.timer);
    delete press.current.element.dataset.pressed;
    press.current = null;
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      const element = event.currentTarget as HTMLElement;
      const isControl = (event.target as HTMLElement).closest("a, button, textarea, input");
      if (event.pointerType !== "touch" || isControl) return;
      end(); // another finger
      const timer = setTimeout(() => {
        if (!press.current) return;
        press.current.isLong = true;
        element.dataset.pressed = "";
      }, pressTime);
      press.current = { x: event.clientX, y: event.clientY, timer, element, isLong: false };
    },
    onPointerMove: ({ clientX, clientY }: PointerEvent) => {
      const { current } = press;
      if (current && !current.isLong && Math.hypot(clientX - current.x, clientY - current.y) > tolerance) end();
    },
    onPointerCancel: end,
    // It comes after pointerup, which closes popovers, and before a click, which it prevents.
    onTouchEnd: (event: TouchEvent) => {
      const { current } = press;
      end();
      if (!current?.isLong) return;
      event.preventDefault();
      onPress(current.element);
    },
    // The browser's own menu, for a selection of words, would cover ours.
    onContextMenu: (event: MouseEvent) => {
      if ((event as PointerEvent).pointerType === "touch") event.preventDefault();
    },
  };
}
