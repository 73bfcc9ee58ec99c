import assert from "node:assert/strict";
import { test } from "node:test";
import { relativeTime } from "./relative-time";

test("a time is how long ago it was, and a date after a week", () => {
  const now = new Date(2026, 5, 15, 12).getTime();
  const ago = (ms: number, locale = "en") => relativeTime(now - ms, now, locale);
  assert.deepEqual(
    [59_000, 60_000, 3_599_000, 3_600_000, 86_399_000, 6 * 86_400_000].map((ms) => ago(ms)),
    ["", "1m", "59m", "1h", "23h", "6d"],
  );
  assert.equal(ago(8 * 86_400_000), "Jun 7");
  assert.equal(ago(400 * 86_400_000), "May 2025");
  assert.equal(ago(5 * 60_000, "en-GB"), "5m");
  assert.deepEqual(
    [60_000, 3 * 3_600_000, 6 * 86_400_000, 8 * 86_400_000, 400 * 86_400_000].map((ms) => ago(ms, "ja-JP")),
    ["1 分", "3 時間", "6 日", "6月7日", "2025年5月"],
  );
  assert.equal(relativeTime(0, now, "en"), "");
});
