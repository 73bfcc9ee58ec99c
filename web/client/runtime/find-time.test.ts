import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatError } from "../failure";
import { event } from "../testing/session-harness";
import { findTime } from "./find-time";

const end = { epoch: "e", sequence: 20n };

test("a time is found by halving the log, also where its beginning is not retained", async () => {
  const times = new Map([7, 9, 10, 14, 20].map((sequence) => [BigInt(sequence), sequence * 100]));
  let calls = 0;
  const firstAfter = async ({ sequence: after }: { readonly sequence: bigint }) => {
    calls++;
    if (after < 6n) throw new ChatError({ code: "out_of_range", message: "not retained" });
    const next = [...times.keys()].find((sequence) => sequence > after);
    return next === undefined ? undefined : event(Number(next), { time: times.get(next)! });
  };
  const cases: [number, bigint | null][] = [
    [0, 7n],
    [700, 7n],
    [701, 9n],
    [1_000, 10n],
    [1_399, 14n],
    [2_000, 20n],
    [2_001, null],
  ];
  for (const [time, want] of cases) {
    calls = 0;
    assert.equal(await findTime(time, end, firstAfter), want, String(time));
    assert.ok(calls <= 6, `${calls} calls`);
  }
});

test("a log that cannot be read has no place for a time", async () => {
  const fails = async () => {
    throw new ChatError({ code: "unavailable", message: "cut" });
  };
  await assert.rejects(findTime(0, end, fails), { code: "unavailable" });
});
