/**
 * Returns the time in milliseconds, of a clock that only runs forward, whatever happens
 * to the device's: durations are measured with it. It starts at the device's time.
 */
export function clock(): number {
  return performance.timeOrigin + performance.now();
}

/** Returns 128 random bits. crypto.randomUUID exists over https only. */
export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
