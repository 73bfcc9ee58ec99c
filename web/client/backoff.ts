/** The bound of the first wait, in milliseconds; it doubles with every failure. */
export const firstBound = 500;
/** The highest bound, in milliseconds. */
export const lastBound = 15_000;

/**
 * How long to wait after `failures` failures in a row: anything from 0 up to a
 * bound that doubles. Full jitter keeps clients that failed together from
 * coming back together.
 */
export function backoff(failures: number, random: () => number): number {
  return random() * Math.min(lastBound, firstBound * 2 ** Math.max(0, failures - 1));
}
