import type { TargetedFocusEvent, TargetedKeyboardEvent } from "preact";
import { useState } from "preact/hooks";
import { moveFocus } from "./menu";

/**
 * Makes a list one stop of the Tab key: the arrow keys, Home and End move the focus along the elements that
 * match the selector. Its rows, with the keys as data-row, have the focus at the row that had it last,
 * otherwise at the preferred one or the first. It returns the key of that row, and the list's listeners.
 */
export function useOneStop(selector: string, keys: readonly string[], preferred: string) {
  const [last, setLast] = useState("");
  const stop = [last, preferred].find((key) => keys.includes(key)) ?? keys[0] ?? "";
  const listeners = {
    onKeyDown: (event: TargetedKeyboardEvent<HTMLElement>) => {
      if ((event.target as HTMLElement).matches(selector)) moveFocus(event, selector);
    },
    onFocusInCapture: (event: TargetedFocusEvent<HTMLElement>) =>
      setLast((event.target as HTMLElement).closest<HTMLElement>("[data-row]")?.dataset.row ?? ""),
  };
  return [stop, listeners] as const;
}
