import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { mostInARow, RedrawLimit } from "./redraw-limit";

let callbacks: (() => void)[] = [];

beforeEach(() => {
  callbacks = [];
  Object.assign(globalThis, {
    requestAnimationFrame: (callback: () => void) => callbacks.push(callback),
    cancelAnimationFrame: (handle: number) => delete callbacks[handle - 1],
  });
});

function nextFrame(): void {
  const due = callbacks;
  callbacks = [];
  for (const callback of due) callback?.();
}

/** Returns the limit of a list that wants to be drawn again whenever it was, and how often it was. */
function unsettledList() {
  const list = { draws: 0, limit: new RedrawLimit(() => look()) };
  const look = () => {
    // What is drawn is looked at again at once.
    while (list.limit.take()) if (++list.draws > 1_000) throw new Error("it does not end");
  };
  look();
  return list;
}

test("a list that never settles is drawn once in a frame, and not for ever", () => {
  const list = unsettledList();
  for (let frame = 1; frame <= mostInARow; frame++) {
    assert.equal(list.draws, frame);
    nextFrame();
  }
  for (let i = 0; i < 5; i++) nextFrame();
  assert.deepEqual([list.draws, callbacks.length], [mostInARow, 0]);
});

test("a list that has settled, or was scrolled, is drawn again", () => {
  const list = unsettledList();
  for (let i = 0; i < 2 * mostInARow; i++) nextFrame();
  list.limit.reset();
  assert.equal(list.limit.take(), true);
});

test("a list that is drawn once in a frame is not looked at again", () => {
  let looks = 0;
  const limit = new RedrawLimit(() => looks++);
  assert.equal(limit.take(), true);
  nextFrame();
  assert.equal(looks, 0);
  assert.equal(limit.take(), true, "the next frame has a limit of its own");
});

test("a list that is gone is not looked at", () => {
  let looks = 0;
  const limit = new RedrawLimit(() => looks++);
  limit.take();
  limit.take();
  limit.stop();
  nextFrame();
  assert.equal(looks, 0);
});
