import { failureOf } from "../failure";
import type { Cursor, Event } from "../model";

/**
 * Returns the sequence of the first event at a time or later in a log that ends at a cursor, null if
 * there is none. firstAfter returns the first event after a cursor, and rejects with out_of_range for one
 * that is not retained. It is called once for each halving of the log.
 */
export async function findTime(
  time: number,
  { epoch, sequence: end }: Cursor,
  firstAfter: (cursor: Cursor) => Promise<Event | undefined>,
): Promise<bigint | null> {
  const eventAfter = async (sequence: bigint): Promise<Event | undefined | "dropped"> => {
    try {
      return await firstAfter({ epoch, sequence });
    } catch (reason) {
      if (failureOf(reason).code === "out_of_range") return "dropped"; // what came then is not retained
      throw reason;
    }
  };
  let found: bigint | null = null;
  let [low, high] = [0n, end]; // the event is after low, and its predecessor not after high
  while (low <= high) {
    const middle = (low + high) / 2n;
    const event = await eventAfter(middle);
    if (event === "dropped") low = middle + 1n;
    else if (event && event.time < time) {
      low = event.sequence;
      if (low > high) break;
      if (low === middle) low += 1n;
    } else {
      if (event) found = event.sequence;
      high = middle - 1n;
    }
  }
  return found;
}
