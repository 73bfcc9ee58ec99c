import assert from "node:assert/strict";
import { test } from "node:test";
import { badge, Directory, grouped, unreadBeside } from "./directory";
import type { RoomEntry } from "./model";

function room(name: string, unread: number | null = null): RoomEntry {
  return { name, displayName: "", topic: "", members: 1, unread };
}

const gone = { code: "unavailable", message: "Gone." };

function directory(...answers: (RoomEntry[] | { code: string; message: string })[]) {
  const asked: string[] = [];
  let changes = 0;
  const list = async (token: string): Promise<RoomEntry[]> => {
    asked.push(token);
    const answer = answers.shift()!;
    if (Array.isArray(answer)) return answer;
    throw answer;
  };
  const made = new Directory({ list, token: () => "t", seen: () => new Map(), changed: () => changes++ });
  return { made, asked, changes: () => changes };
}

test("rooms are listed, and stay when the next list fails", async () => {
  const { made, changes } = directory([room("a")], gone);
  await made.refresh();
  assert.deepEqual(made.state, { rooms: [room("a")], problem: "" });
  await made.refresh();
  assert.deepEqual(made.state, { rooms: [room("a")], problem: "Gone." });
  assert.equal(changes(), 2);
});

test("while an answer is awaited one more list is asked for, and no more", async () => {
  const { made, asked } = directory([], [room("a")]);
  await Promise.all([made.refresh(), made.refresh(), made.refresh()]);
  assert.equal(asked.length, 2);
  assert.deepEqual(made.state.rooms, [room("a")]);
});

test("a token that is not valid is no reason to list nothing", async () => {
  const { made, asked } = directory({ code: "unauthenticated", message: "" }, [room("a")]);
  await made.refresh();
  assert.deepEqual([asked, made.state.rooms?.length], [["t", ""], 1]);
});

test("the room that is shown is among those that were visited, with nothing unread", () => {
  const rooms = [room("a"), room("b", 3), room("d", 200)];
  const names = (current: string) => {
    const { visited, others } = grouped({ rooms, problem: "" }, current);
    return [visited.map((r) => `${r.name} ${badge(r.unread)}`), others.map((r) => r.name)];
  };
  assert.deepEqual(names("c"), [["b 3", "c ", "d 100+"], ["a"]]);
  assert.deepEqual(names("a"), [["a ", "b 3", "d 100+"], []]);
  assert.deepEqual(names("b"), [["b ", "d 100+"], ["a"]]);
  assert.deepEqual(grouped({ rooms: null, problem: "" }, "x").visited.map((r) => r.name), ["x"]);
  assert.equal(unreadBeside({ rooms, problem: "" }, "b"), 200);
});

test("what was read is not unread, though the list is older", async () => {
  const { made } = directory([room("a", 3), room("b", 2), room("c")]);
  made.read("a");
  await made.refresh();
  made.read("a");
  made.read("c");
  assert.deepEqual(made.state.rooms?.map((r) => r.unread), [0, 2, 0]);
});

test("a badge has a number up to 99", () => {
  assert.deepEqual([null, 0, 1, 99, 100].map(badge), ["", "", "1", "99", "100+"]);
});
