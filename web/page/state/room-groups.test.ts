import assert from "node:assert/strict";
import { test } from "node:test";
import type { KnownRoom } from "../../client";
import { firstPage, type RoomList } from "../../client/rooms/room-list";
import {
  filterRooms,
  firstRooms,
  groupRooms,
  groupsSize,
  keepOrder,
  neighbourRoom,
  noMarks,
  plainRoom,
  type RoomGroups,
  type RoomItem,
  roomBadge,
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
  const entry = (name: string, displayName = ""): RoomItem => ({ ...plainRoom, name, displayName });
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

test("a badge is what the user wants to be told of", () => {
  const item = { ...plainRoom, unread: 3, mentions: 1 };
  assert.deepEqual(
    (["all", "mentions", "nothing"] as const).map((level) => roomBadge({ ...item, level })),
    [3, 1, "dot"],
  );
  assert.equal(roomBadge({ ...plainRoom, unread: 3, level: "mentions" }), "dot");
  assert.equal(roomBadge({ ...plainRoom, level: "nothing" }), null);
});

test("a muted room does not move to the top", () => {
  const all = rooms(["muted", 1, 5], ["quiet", 2, 0], ["loud", 1, 1]);
  const groups = groupRooms(all, "quiet", { ...noMarks, settings: new Map([["muted", "nothing"]]) });
  assert.deepEqual(names(groups), ["loud:1 quiet muted:5", ""]);
});

test("a room with something unsent is among the visited ones, with a mark", () => {
  const unsent = new Map([
    ["b", { waiting: 1, failed: 0 }],
    ["new", { waiting: 0, failed: 1 }],
  ]);
  const groups = groupRooms(rooms(["a", 3, 0], ["b", 2], ["c", 1]), "a", {
    ...noMarks,
    unsent,
    drafts: new Set(["a"]),
  });
  assert.deepEqual(names(groups), ["a b new", "c"]);
  assert.deepEqual(
    groups.visited.map((item) => [item.unsent?.waiting ?? null, item.hasDraft]),
    [
      [null, true],
      [1, false],
      [0, false],
    ],
  );
});

test("the neighbours of a room go around, and may be those with unread messages only", () => {
  const { visited } = groupRooms(rooms(["a", 3, 0], ["b", 2, 0], ["c", 1, 2]), "a");
  assert.deepEqual(
    visited.map((item) => item.name),
    ["c", "a", "b"],
  );
  const next = (current: string, step: 1 | -1, unread = false) => neighbourRoom(visited, current, step, unread);
  assert.deepEqual([next("a", 1), next("b", 1), next("c", -1), next("a", -1)], ["b", "c", "b", "c"]);
  assert.deepEqual([next("a", 1, true), next("c", 1, true)], ["c", null]);
  assert.equal(neighbourRoom([], "a", 1, false), null);
});

test("rooms whose display name looks like another room are marked", () => {
  const list = (...all: [name: string, displayName: string][]): RoomList => {
    const list = rooms(...all.map(([name]): [string, number] => [name, 1]));
    const shown = new Map(all);
    const named = (room: KnownRoom): KnownRoom => ({ ...room, displayName: shown.get(room.name) ?? "" });
    return { ...list, known: new Map([...list.known].map(([name, room]) => [name, named(room)])) };
  };
  const marked = (all: RoomList) => {
    const { visited, others } = groupRooms(all, "lobby");
    return [...visited, ...others].flatMap(({ name, isAlike }) => (isAlike ? name : [])).sort();
  };
  assert.deepEqual(marked(list(["lobby", ""], ["a", "Lobby"], ["b", "#lоbby"], ["c", "Hobby"])), ["a", "b"]);
  assert.deepEqual(marked(list(["tea", "Tea"], ["tee", "tea"], ["lobby", "Lobby"])), ["tee"]);
  assert.deepEqual(marked(list(["x", "東京"], ["y", "東京"], ["z", "京都"])), ["x", "y"]);
  // The current room is not in the list of the server.
  assert.deepEqual(marked(list(["a", "lobby"])), ["a"]);
});
