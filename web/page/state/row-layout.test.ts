import assert from "node:assert/strict";
import { test } from "node:test";
import { RowLayout } from "./row-layout";

function keys(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => `row ${from + i}`);
}

test("rows that were not measured have the mean height of those that were", () => {
  const layout = new RowLayout();
  layout.setKeys(keys(0, 4));
  assert.equal(layout.total, 160, "a guess before any row is measured");
  layout.setHeight("row 0", 20);
  layout.setHeight("row 2", 60);
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((i) => layout.offset(i)),
    [0, 20, 60, 120, 160],
  );
  layout.setHeight("row 2", 100);
  assert.equal(layout.total, 20 + 60 + 100 + 60);
});

test("heights are kept when rows come before, between and after, and go", () => {
  const layout = new RowLayout();
  layout.setKeys(keys(10, 12));
  layout.setHeight("row 10", 30);
  layout.setHeight("row 11", 50);
  layout.setKeys(["row 9", "row 10", "line", "row 11", "row 12"]);
  assert.deepEqual(
    [layout.indexOf("row 11"), layout.offset(3), layout.total],
    [3, 40 + 30 + 40, 40 + 30 + 40 + 50 + 40],
  );
  assert.equal(layout.indexOf("row 8"), -1);
});

test("the row at a position is found, and the nearest one outside", () => {
  const layout = new RowLayout();
  layout.setKeys(keys(0, 100));
  for (const key of keys(0, 100)) layout.setHeight(key, 10);
  assert.deepEqual(
    [-5, 0, 9, 10, 555, 999, 5_000].map((y) => layout.indexAt(y)),
    [0, 0, 0, 1, 55, 99, 99],
  );
  assert.deepEqual(layout.range(95, 120), { first: 9, end: 13 });
});

test("an empty list has no rows in view", () => {
  const layout = new RowLayout();
  assert.deepEqual([layout.range(0, 1_000), layout.total], [{ first: 0, end: 0 }, 0]);
});

test("heights of rows that are gone are dropped once they are many", () => {
  const layout = new RowLayout();
  for (let from = 0; from < 100_000; from += 100) {
    layout.setKeys(keys(from, from + 100));
    for (const key of keys(from, from + 100)) layout.setHeight(key, from < 99_000 ? 1_000 : 10);
  }
  layout.setKeys([...keys(0, 10), ...keys(99_900, 100_000)]);
  assert.ok(layout.total < 100 * 10 + 10 * 1_000, "the first rows are not remembered");
  assert.equal(layout.offset(11) - layout.offset(10), 10);
});
