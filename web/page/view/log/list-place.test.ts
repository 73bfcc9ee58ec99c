import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { RowLayout } from "../../state/row-layout";
import { ListPlace, scrollPause } from "./list-place";
import type { ListScreen, RowPart } from "./list-screen";

const overscan = 600;
let now = 10_000;

beforeEach(() => {
  mock.restoreAll();
  mock.method(performance, "now", () => now);
});

/** A list as a browser would lay it out. */
class FakeList implements ListScreen {
  readonly height = 900;
  readonly layout = new RowLayout();
  readonly place = new ListPlace(this.layout, this);
  readonly keys: string[];
  /** The height of what is before the list. */
  header = 40;
  /** How often the scroll position was set, other than by the user. */
  writes = 0;
  readonly #heightOf: (key: string) => number;
  #drawn: string[] = [];
  #space = { before: 0, after: 0 };
  #scrollTop = 0;

  constructor(keys: string[], heightOf: (key: string) => number) {
    this.keys = keys;
    this.#heightOf = heightOf;
    this.layout.setKeys(keys);
    this.draw();
  }

  get scrollTop(): number {
    return this.#scrollTop;
  }

  set scrollTop(top: number) {
    this.writes++;
    this.#scrollTo(top);
  }

  get below(): number {
    return this.header + this.#listHeight - this.#scrollTop - this.height;
  }

  get top(): number {
    return this.header - this.#scrollTop;
  }

  get count(): number {
    return this.#drawn.length;
  }

  row(index: number): RowPart {
    const key = this.#drawn[index] as string;
    const list = this;
    return {
      get isDrawn() {
        return list.#drawn.includes(key);
      },
      get top() {
        return list.topOf(key);
      },
      get bottom() {
        return list.topOf(key) + list.#heightOf(key);
      },
    };
  }

  kept(index: number): RowPart {
    return this.row(index);
  }

  setSpace(before: number, after: number): void {
    this.#space = { before, after };
    this.#scrollTo(this.#scrollTop);
  }

  /** Where a drawn row is on screen. */
  topOf(key: string): number {
    const before = this.#drawn.slice(0, this.#drawn.indexOf(key));
    return this.top + this.#space.before + before.reduce((sum, k) => sum + this.#heightOf(k), 0);
  }

  /** How far the first drawn row is below what is before the list. */
  get blank(): number {
    return this.#space.before;
  }

  /** The drawn rows in view. */
  get inView(): string[] {
    const isInView = (key: string) => this.topOf(key) < this.height && this.topOf(key) + this.#heightOf(key) > 0;
    return this.#drawn.filter(isInView);
  }

  /** Draws the rows around the view, as the list does. */
  draw(top = this.place.wantedTop): void {
    const { place, layout } = this;
    place.record(this.keys);
    place.drawn = layout.range(top - overscan, top + this.height + overscan);
    this.#drawn = this.keys.slice(place.drawn.first, place.drawn.end);
    this.resize();
  }

  /** The drawn rows have other heights. */
  resize(): void {
    for (const key of this.#drawn) this.layout.setHeight(key, this.#heightOf(key));
    this.place.update(this.keys);
  }

  /** The user scrolls. */
  scroll(pixels: number): void {
    this.#scrollTo(this.#scrollTop + pixels);
    this.place.noticeScroll(true);
    this.place.record(this.keys);
  }

  get #listHeight(): number {
    const { before, after } = this.#space;
    return before + this.#drawn.reduce((sum, k) => sum + this.#heightOf(k), 0) + after;
  }

  #scrollTo(top: number): void {
    const most = Math.max(0, this.header + this.#listHeight - this.height);
    this.#scrollTop = Math.round(Math.min(Math.max(0, top), most));
  }
}

function rows(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `row ${i}`);
}

/** Different heights, of which the later rows have the greater ones: those before are shorter than is assumed. */
function heightOf(key: string): number {
  const index = Number(key.slice(4));
  return 24 + ((index * 7) % 5) * 11.3 + (index > 100 ? 30 : 0);
}

/** Returns how far a change moves the first row in view. */
function movedBy(list: FakeList, change: () => void): number {
  const [key] = list.inView;
  const top = list.topOf(key as string);
  change();
  return Math.abs(list.topOf(key as string) - top);
}

test("a list begins at its end, and stays there when rows are measured and come", () => {
  const list = new FakeList(rows(300), heightOf);
  for (let i = 0; i < 3; i++) list.draw();
  assert.equal(list.inView.at(-1), "row 299");
  assert.ok(list.below <= 1, `${list.below} px are below`);
  list.keys.push("row 300");
  list.layout.setKeys([...list.keys]);
  list.draw();
  assert.equal(list.inView.at(-1), "row 300");
  list.scroll(-60);
  assert.equal(list.place.isPinned, false);
});

test("while the user scrolls back, nothing moves and the scroll position is left alone", () => {
  const list = new FakeList(rows(300), heightOf);
  list.draw();
  list.writes = 0;
  while (list.layout.offset(list.place.drawn.first) > 2_000) {
    list.scroll(-120);
    now += 16;
    const moved = movedBy(list, () => list.draw());
    assert.ok(moved <= 0.5, `a row moved by ${moved} px`);
  }
  assert.equal(list.writes, 0);
  now += scrollPause;
  const moved = movedBy(list, () => list.place.settle(list.keys));
  assert.ok(moved <= 0.5, `a row moved by ${moved} px when the user had paused`);
  assert.ok(list.writes > 0, "the rows were not at their place in the layout");
});

test("at the beginning, nothing moves when the user pauses, wherever that is", () => {
  for (let pause = 0; pause <= 900; pause += 50) {
    const list = new FakeList(rows(300), heightOf);
    list.draw();
    while (list.scrollTop > pause) {
      list.scroll(Math.max(pause - list.scrollTop, -120));
      now += 16;
      const moved = movedBy(list, () => list.draw());
      assert.ok(moved <= 0.5, `at ${list.scrollTop}, a row moved by ${moved} px`);
    }
    const moved = movedBy(list, () => list.place.settle(list.keys));
    assert.ok(moved <= 0.5, `a row moved by ${moved} px when the user paused at ${pause}`);
    if (list.place.drawn.first === 0) assert.equal(list.blank, 0, `the space before the first row at ${pause}`);
  }
});

test("what comes before the list moves nothing in view", () => {
  const list = new FakeList(rows(300), heightOf);
  list.draw();
  list.scroll(-5_000);
  list.draw();
  const resized = movedBy(list, () => {
    list.header = 90;
    list.resize();
  });
  assert.ok(resized <= 0.5, `a row moved by ${resized} px`);
});

test("a row that is to be shown is brought to its place once it is drawn", () => {
  const list = new FakeList(rows(300), heightOf);
  list.place.isPinned = false;
  list.place.goal = { key: "row 40", align: 72 };
  list.draw();
  assert.equal(list.place.goal, null);
  assert.ok(Math.abs(list.topOf("row 40") - 72) <= 0.5, `${list.topOf("row 40")}`);
  list.place.goal = { key: "row 200", align: "center" };
  list.draw();
  assert.ok(Math.abs(list.topOf("row 200") + heightOf("row 200") / 2 - 450) <= 0.5);
});

test("a row to show that has gone is given up", () => {
  const list = new FakeList(rows(300), heightOf);
  list.place.isPinned = false;
  list.place.goal = { key: "gone", align: 0 };
  assert.equal(list.place.wantedTopAfterChange, list.place.top);
  assert.equal(list.place.goal, null);
});
