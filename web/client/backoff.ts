/** The upper bound of the first delay, in milliseconds; it doubles with every failure. */
export const firstBound = 500;
/** The highest upper bound, in milliseconds. */
export const lastBound = 15_000;

/**
 * Returns how long to wait after a number of failures in a row: a random delay
 * from 0 to a bound that doubles. Full jitter keeps clients that failed together
 * from reconnecting together.
 */
export function backoff(failures: number, random: () => number): number {
  return random() * Math.min(lastBound, firstBound * 2 ** Math.max(0, failures - 1));
}
