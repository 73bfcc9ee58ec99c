import { useRef } from "preact/hooks";

/** How long a finger rests until that is a long press, in milliseconds. */
const pressTime = 500;
/** How far it may move meanwhile, in pixels. */
const tolerance = 10;

interface Press {
  readonly x: number;
  readonly y: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** Returns the listeners of an element that call back after a long press by a finger. */
export function useLongPress(onPress: (element: HTMLElement) => void) {
  const press = useRef<Press | null>(null);
  const end = () => {
    if (press.current) clearTimeout(press.current.timer);
    press.current = null;
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      const element = event.currentTarget as HTMLElement;
      const isControl = (event.target as HTMLElement).closest("a, button, textarea, input");
      if (event.pointerType !== "touch" || isControl) return;
      const timer = setTimeout(() => {
        press.current = null;
        onPress(element);
      }, pressTime);
      press.current = { x: event.clientX, y: event.clientY, timer };
    },
    onPointerMove: ({ clientX, clientY }: PointerEvent) => {
      const { current } = press;
      if (current && Math.hypot(clientX - current.x, clientY - current.y) > tolerance) end();
    },
    onPointerUp: end,
    onPointerCancel: end,
    // The browser's own menu, for a selection of words, would cover ours.
    onContextMenu: (event: MouseEvent) => {
      if ((event as PointerEvent).pointerType === "touch") event.preventDefault();
    },
  };
}
