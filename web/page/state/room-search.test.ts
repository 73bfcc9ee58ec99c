import assert from "node:assert/strict";
import { test } from "node:test";
import { plainRoom } from "./room-groups";
import { matchScore, searchRooms } from "./room-search";

const rooms = [
  { ...plainRoom, name: "steam" },
  { ...plainRoom, name: "team-red" },
  { ...plainRoom, name: "t-e-a", displayName: "Café" },
  { ...plainRoom, name: "other" },
];
const found = (text: string, limit = 9) => searchRooms(rooms, text, limit).map((room) => room.name);

test("rooms are found by letters in their order, whole words first", () => {
  assert.deepEqual(found("team"), ["team-red", "steam"]);
  assert.deepEqual(found("tea"), ["team-red", "steam", "t-e-a"]);
  assert.deepEqual(found("tr"), ["team-red", "other"]);
  assert.deepEqual(found(" #Cafe"), ["t-e-a"]);
  assert.deepEqual(found("zz"), []);
});

test("without a text the rooms stay in their order", () => {
  assert.deepEqual(found(""), ["steam", "team-red", "t-e-a", "other"]);
  assert.deepEqual(found("", 2), ["steam", "team-red"]);
});

test("a text without one of the letters does not match", () => {
  assert.equal(matchScore("team", "tx"), null);
  assert.equal(matchScore("team", ""), 0);
});
