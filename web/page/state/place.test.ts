import assert from "node:assert/strict";
import { test } from "node:test";
import { keepPlace, keptPlace } from "./place";

function memory() {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

test("a room keeps its place until its end is reached", () => {
  const storage = memory();
  keepPlace(storage, "tea", { sequence: 2n ** 60n, top: -12.4 });
  assert.deepEqual(keptPlace(storage, "tea"), { sequence: 2n ** 60n, top: -12 });
  assert.equal(keptPlace(storage, "milk"), null);
  keepPlace(storage, "tea", null);
  assert.equal(keptPlace(storage, "tea"), null);
});

test("a place that makes no sense is none", () => {
  const storage = memory();
  for (const text of ["", "0 1", "-5 3", "7", "x y", "7 1e9"]) {
    storage.setItem("chatroom.place tea", text);
    assert.equal(keptPlace(storage, "tea"), null, text);
  }
});
