import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSettings } from "./settings";

const defaults = { theme: "system", density: "comfortable", language: "system", notifications: "off", sound: "off" };

test("settings that are stored are read", () => {
  assert.deepEqual(parseSettings('{"theme":"dark","density":"compact","language":"ja"}'), {
    ...defaults,
    theme: "dark",
    density: "compact",
    language: "ja",
  });
});

test("what is missing or unknown is the default", () => {
  for (const stored of [null, "", "{", "null", "[]", "7", '"dark"', '{"theme":"sepia","density":7,"other":true}']) {
    assert.deepEqual(parseSettings(stored), defaults, String(stored));
  }
  assert.deepEqual(parseSettings('{"theme":"light"}'), { ...defaults, theme: "light" });
});
