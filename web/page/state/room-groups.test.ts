import assert from "node:assert/strict";
import { test } from "node:test";
import { first, grouped, held, matching, size, type Entry, type Groups } from "./room-groups";
import { listed, type Rooms } from "../../client/rooms/room-list";

/** Rooms with a time of activity and, where they were visited, unread messages. */
function rooms(...all: [name: string, active: number, unread?: number][]): Rooms {
  const page = all.map(([name, active, unread]) => ({
    name, displayName: "", topic: "", members: 0, head: 200n, messages: 200n, active, unread: unread ?? null,
  }));
  return listed({ rooms: page, next: "" }, []);
}

function names({ visited, others }: Groups): string[] {
  const name = ({ name, unread }: Entry) => (unread > 0 ? `${name}:${unread}` : name);
  return [visited.map(name).join(" "), others.map(name).join(" ")];
}

test("rooms with unread messages come first, then those with the newest activity", () => {
  const all = rooms(["quiet", 1, 0], ["loud", 9, 0], ["old", 2, 3], ["new", 5, 1], ["other", 3], ["busy", 8], ["also", 3]);
  assert.deepEqual(names(grouped(all, "loud")), ["new:1 old:3 loud quiet", "busy also other"]);
});

test("the room that is shown is among those that were visited, with nothing unread", () => {
  const all = rooms(["a", 1], ["b", 3, 5], ["d", 2, 100]);
  assert.deepEqual(names(grouped(all, "a")), ["b:5 d:100 a", ""]);
  assert.deepEqual(names(grouped(all, "b")), ["d:100 b", "a"]);
  assert.deepEqual(names(grouped(all, "new")), ["b:5 d:100 new", "a"]);
  assert.deepEqual(names(grouped(null, "x")), ["x", ""]);
});

test("held groups keep their order, and who is in them, while numbers change", () => {
  const before = grouped(rooms(["a", 3, 0], ["b", 2, 0], ["gone", 2], ["c", 1], ["d", 0]), "a");
  const now = grouped(rooms(["a", 3, 0], ["b", 9, 4], ["c", 8, 0], ["d", 7], ["e", 6, 1], ["f", 5]), "a");
  assert.deepEqual(names(now), ["b:4 e:1 c a", "d f"]);
  assert.deepEqual(names(held(now, before)), ["a b:4 e:1", "c d f"]);
  assert.deepEqual(names(held(held(now, before), held(now, before))), ["a b:4 e:1", "c d f"]);
});

test("a filter looks at names and display names, and not at capitals and accents", () => {
  const entry = (name: string, displayName = ""): Entry => ({ name, displayName, topic: "", unread: 0 });
  const all: Groups = { visited: [entry("team-a"), entry("x1", "Café Team")], others: [entry("steam"), entry("zoo")] };
  assert.deepEqual(names(matching(all, " Team ")), ["team-a x1", "steam"]);
  assert.deepEqual(names(matching(all, "#team-")), ["team-a", ""]);
  assert.deepEqual(names(matching(all, "cafe")), ["x1", ""]);
  assert.deepEqual(matching(all, "  "), all);
  assert.equal(size(matching(all, "nothing")), 0);
});

test("the first rooms are those that were visited", () => {
  const all = grouped(rooms(["a", 1, 0], ["b", 2], ["c", 1]), "a");
  assert.deepEqual([1, 2, 9].map((n) => names(first(all, n))), [["a", ""], ["a", "b"], ["a", "b c"]]);
});
