import assert from "node:assert/strict";
import { test } from "node:test";
import { firstPage, type RoomList } from "../../client/rooms/room-list";
import {
  filterRooms,
  firstRooms,
  groupRooms,
  groupsSize,
  keepOrder,
  type RoomGroups,
  type RoomItem,
} from "./room-groups";

/** Rooms with a time of activity and, where they were visited, unread messages. */
function rooms(...all: [name: string, active: number, unread?: number][]): RoomList {
  const page = all.map(([name, lastActivity, unread]) => ({
    name,
    displayName: "",
    topic: "",
    members: 0,
    head: 200n,
    messages: 200n,
    lastActivity,
    unread: unread ?? null,
  }));
  return firstPage({ rooms: page, nextToken: "" }, new Map());
}

function names({ visited, others }: RoomGroups): string[] {
  const name = ({ name, unread }: RoomItem) => (unread > 0 ? `${name}:${unread}` : name);
  return [visited.map(name).join(" "), others.map(name).join(" ")];
}

test("rooms with unread messages come first, then those with the newest activity", () => {
  const all = rooms(
    ["quiet", 1, 0],
    ["loud", 9, 0],
    ["old", 2, 3],
    ["new", 5, 1],
    ["other", 3],
    ["busy", 8],
    ["also", 3],
  );
  assert.deepEqual(names(groupRooms(all, "loud")), ["new:1 old:3 loud quiet", "busy also other"]);
});

test("the current room is among the visited ones, with nothing unread", () => {
  const all = rooms(["a", 1], ["b", 3, 5], ["d", 2, 100]);
  assert.deepEqual(names(groupRooms(all, "a")), ["b:5 d:100 a", ""]);
  assert.deepEqual(names(groupRooms(all, "b")), ["d:100 b", "a"]);
  assert.deepEqual(names(groupRooms(all, "new")), ["b:5 d:100 new", "a"]);
  assert.deepEqual(names(groupRooms(null, "x")), ["x", ""]);
});

test("keepOrder keeps order and groups, and updates counts", () => {
  const before = groupRooms(rooms(["a", 3, 0], ["b", 2, 0], ["gone", 2], ["c", 1], ["d", 0]), "a");
  const now = groupRooms(rooms(["a", 3, 0], ["b", 9, 4], ["c", 8, 0], ["d", 7], ["e", 6, 1], ["f", 5]), "a");
  assert.deepEqual(names(now), ["b:4 e:1 c a", "d f"]);
  assert.deepEqual(names(keepOrder(now, before)), ["a b:4 e:1", "c d f"]);
  assert.deepEqual(names(keepOrder(keepOrder(now, before), keepOrder(now, before))), ["a b:4 e:1", "c d f"]);
});

test("a filter searches names and display names, without case and accents", () => {
  const entry = (name: string, displayName = ""): RoomItem => ({ name, displayName, topic: "", unread: 0 });
  const all: RoomGroups = {
    visited: [entry("team-a"), entry("x1", "Café Team")],
    others: [entry("steam"), entry("zoo")],
  };
  assert.deepEqual(names(filterRooms(all, " Team ")), ["team-a x1", "steam"]);
  assert.deepEqual(names(filterRooms(all, "#team-")), ["team-a", ""]);
  assert.deepEqual(names(filterRooms(all, "cafe")), ["x1", ""]);
  assert.deepEqual(filterRooms(all, "  "), all);
  assert.equal(groupsSize(filterRooms(all, "nothing")), 0);
});

test("the first rooms are the visited ones", () => {
  const all = groupRooms(rooms(["a", 1, 0], ["b", 2], ["c", 1]), "a");
  assert.deepEqual(
    [1, 2, 9].map((n) => names(firstRooms(all, n))),
    [
      ["a", ""],
      ["a", "b"],
      ["a", "b c"],
    ],
  );
});
