import { useEffect, useState } from "preact/hooks";

/** How long after the first drawing a part of the page is loaded that was not needed yet, in milliseconds. */
const preloadAfter = 4_000;

/**
 * Loads a part of the page when it is needed, or a while before. It returns null until then:
 * a part that cannot be loaded is tried again when it is needed again.
 */
export function useLoaded<T>(isNeeded: boolean, load: () => Promise<T>): T | null {
  const [part, setPart] = useState<{ readonly value: T } | null>(null);
  useEffect(() => {
    if (part) return;
    let isCurrent = true;
    const start = () =>
      load().then(
        (value) => isCurrent && setPart({ value }),
        () => {},
      );
    const timer = setTimeout(start, isNeeded ? 0 : preloadAfter);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [isNeeded, part]);
  return part?.value ?? null;
}
