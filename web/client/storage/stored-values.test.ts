import assert from "node:assert/strict";
import { test } from "node:test";
import { StoredValues } from "./stored-values";

/** A storage in which nothing more can be stored once it is full. */
class Area {
  readonly items = new Map<string, string>();
  isFull = false;
  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (this.isFull) throw new DOMException("full", "QuotaExceededError");
    this.items.set(key, value);
  }
  removeItem(key: string): void {
    this.items.delete(key);
  }
}

test("values are stored, and removed", () => {
  const area = new Area();
  const values = new StoredValues(() => area as unknown as Storage);
  assert.equal(values.getItem("a"), null);
  values.setItem("a", "1");
  assert.deepEqual([values.getItem("a"), area.getItem("a")], ["1", "1"]);
  values.removeItem("a");
  assert.deepEqual([values.getItem("a"), area.getItem("a")], [null, null]);
});

test("without a storage, values last as long as the program", () => {
  const values = new StoredValues(() => {
    throw new DOMException("denied", "SecurityError");
  });
  assert.equal(values.getItem("a"), null);
  values.setItem("a", "1");
  values.setItem("b", "2");
  assert.deepEqual([values.getItem("a"), values.getItem("b")], ["1", "2"]);
  values.removeItem("a");
  assert.deepEqual([values.getItem("a"), values.getItem("b")], [null, "2"]);
});

test("a value that finds no room lasts until another tab stores one, or there is room", () => {
  const area = new Area();
  const values = new StoredValues(() => area as unknown as Storage);
  values.setItem("a", "1");
  area.isFull = true;
  values.setItem("a", "2");
  assert.deepEqual([values.getItem("a"), area.getItem("a")], ["2", "1"]);
  area.items.set("a", "of another tab");
  assert.equal(values.getItem("a"), "of another tab");
  area.items.set("a", "1");
  assert.equal(values.getItem("a"), "1", "what was replaced does not come back");

  values.setItem("a", "3");
  area.isFull = false;
  values.setItem("a", "4");
  assert.deepEqual([values.getItem("a"), area.getItem("a")], ["4", "4"]);
});
