import { useEffect, useState } from "preact/hooks";
import { loadChunk } from "../../update/load-chunk";

/** How long after the first drawing a part of the page is loaded that was not needed yet, in milliseconds. */
const preloadAfter = 4_000;
/** How long after a failure a part that is needed is loaded again, in milliseconds. */
const retryAfter = 2_000;

/**
 * Loads a part of the page when it is needed, or a while before. It returns null until then:
 * a part that cannot be loaded is tried again as long as it is needed.
 */
export function useLoaded<T>(isNeeded: boolean, load: () => Promise<T>): T | null {
  const [part, setPart] = useState<{ readonly value: T } | null>(null);
  useEffect(() => {
    if (part) return;
    let isCurrent = true;
    const start = () =>
      loadChunk(load).then(
        (value) => isCurrent && setPart({ value }),
        () => {
          if (isCurrent && isNeeded) timer = setTimeout(start, retryAfter);
        },
      );
    let timer = setTimeout(start, isNeeded ? 0 : preloadAfter);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [isNeeded, part]);
  return part?.value ?? null;
}
