import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRoomSettings, withLevel } from "./room-settings";

test("what is not a level is left out", () => {
  assert.deepEqual(
    [...parseRoomSettings('{"a":"nothing","b":"loud","c":"mentions","d":"all"}')],
    [
      ["a", "nothing"],
      ["c", "mentions"],
    ],
  );
  for (const text of [null, "", "{", "null", "7", "[]"]) assert.equal(parseRoomSettings(text).size, 0);
});

test("a room has one level, and all is not kept", () => {
  const settings = withLevel(withLevel(new Map(), "a", "nothing"), "b", "mentions");
  assert.deepEqual(
    [...withLevel(settings, "a", "mentions")],
    [
      ["a", "mentions"],
      ["b", "mentions"],
    ],
  );
  assert.deepEqual([...withLevel(settings, "a", "all")], [["b", "mentions"]]);
  assert.equal(settings.get("a"), "nothing");
});
