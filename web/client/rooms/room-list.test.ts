import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListedRoom, RoomEntry } from "../model";
import { badge, changed, counted, extended, isIncomplete, isInexact, listed, unreadBeside, unreadIn, type Rooms } from "./room-list";

function room(name: string, messages: number, change: Partial<RoomEntry> = {}): RoomEntry {
  return { name, displayName: "", topic: "", members: 1, head: BigInt(messages), messages: BigInt(messages), active: messages, ...change };
}

function entry(name: string, messages: number, unread: number | null = null): ListedRoom {
  return { ...room(name, messages), unread };
}

const push = (...rooms: RoomEntry[]) => ({ kind: "pushed", rooms, removed: [] }) as const;
const read = (name: string, sequence: number) => ({ kind: "read", room: name, sequence: BigInt(sequence) }) as const;

/** What is unread in each room: null where nothing was read. */
function unread({ known }: Rooms): Record<string, number | null> {
  return Object.fromEntries([...known.values()].map((r) => [r.name, r.read === null ? null : unreadIn(r)]));
}

test("what comes after a list is unread on top of what was", () => {
  let rooms = listed({ rooms: [entry("a", 10, 3), entry("b", 5, 0), entry("c", 7)], next: "" }, []);
  assert.deepEqual(unread(rooms), { a: 3, b: 0, c: null });
  rooms = changed(rooms, push(room("a", 12), room("c", 9), room("d", 1)));
  assert.deepEqual(unread(rooms), { a: 5, b: 0, c: null, d: null });
  assert.equal(unreadBeside(rooms, "b"), 5);
  assert.equal(unreadBeside(rooms, "a"), 0);
  assert.equal(unreadBeside(null, "a"), 0);
});

test("a push that is older than the list changes nothing", () => {
  const rooms = listed({ rooms: [entry("a", 10, 3)], next: "" }, []);
  assert.deepEqual(changed(rooms, push(room("a", 9, { topic: "old" }))).known, rooms.known);
});

test("events that are no messages are not unread", () => {
  let rooms = listed({ rooms: [entry("a", 10, 0)], next: "" }, []);
  rooms = changed(rooms, push(room("a", 10, { head: 14n, displayName: "A", members: 3 })));
  assert.deepEqual(unread(rooms), { a: 0 });
  assert.equal(rooms.known.get("a")?.displayName, "A");
});

test("a room that was read up to its head has nothing unread, in whatever order that is learned", () => {
  let rooms = listed({ rooms: [entry("a", 10, 3)], next: "" }, []);
  rooms = changed(rooms, read("a", 10));
  assert.deepEqual(unread(rooms), { a: 0 });
  rooms = changed(rooms, read("a", 12)); // before the push that has these events
  rooms = changed(rooms, push(room("a", 12)));
  assert.deepEqual(unread(rooms), { a: 0 });
  rooms = changed(rooms, push(room("a", 13)));
  assert.deepEqual(unread(rooms), { a: 1 });
  rooms = changed(rooms, read("a", 11)); // late
  assert.deepEqual([unread(rooms), isInexact(rooms)], [{ a: 1 }, false]);
  rooms = changed(rooms, read("a", 13)); // after the push
  assert.deepEqual(unread(rooms), { a: 0 });
  assert.equal(isInexact(rooms), false);
});

test("a count that pushes can't tell is one that the list has to tell", () => {
  let rooms = listed({ rooms: [entry("a", 10, 0)], next: "" }, []);
  rooms = changed(rooms, read("a", 12));
  assert.equal(isInexact(rooms), false);
  rooms = changed(rooms, push(room("a", 11)));
  assert.equal(isInexact(rooms), false);
  rooms = changed(rooms, push(room("a", 15))); // nothing says whether 12 was a message
  assert.equal(isInexact(rooms), true);
  rooms = listed({ rooms: [entry("a", 15, 3)], next: "" }, []);
  assert.equal(isInexact(rooms), false);
  assert.deepEqual(unread(rooms), { a: 3 });
});

test("100 stands for more, and stays", () => {
  let rooms = listed({ rooms: [entry("a", 500, 100)], next: "" }, []);
  rooms = changed(rooms, push(room("a", 900)));
  assert.deepEqual(unread(rooms), { a: 100 });
  assert.deepEqual([0, 1, 99, 100].map(badge), ["", "1", "99", "100+"]);
});

test("a room that is read for the first time is visited", () => {
  let rooms = listed({ rooms: [entry("a", 10)], next: "" }, []);
  rooms = changed(changed(rooms, read("a", 10)), read("b", 1));
  assert.deepEqual(unread(rooms), { a: 0, b: 0 });
  rooms = changed(rooms, push(room("a", 11), room("b", 3)));
  assert.deepEqual(unread(rooms), { a: 1, b: 0 });
  assert.equal(isInexact(rooms), true, "what came before the first push of b is not known");
});

test("visited rooms are there before the page that has them", () => {
  let rooms = listed({ rooms: [entry("a", 10)], next: "2" }, ["a", "z"]);
  assert.deepEqual(unread(rooms), { z: 0, a: null });
  assert.equal(isIncomplete(rooms), true);
  rooms = extended(rooms, { rooms: [entry("q", 5), entry("z", 4, 2)], next: "3" });
  assert.deepEqual(unread(rooms), { z: 2, a: null, q: null });
  assert.equal(isIncomplete(rooms), false);
  assert.deepEqual([rooms.listed, rooms.next, rooms.floor], [3, "3", 4]);
});

test("a visited room that is on no page does not exist", () => {
  assert.deepEqual(unread(listed({ rooms: [entry("a", 10)], next: "" }, ["z"])), { a: null });
  const rooms = listed({ rooms: [entry("a", 10)], next: "2" }, ["z"]);
  assert.deepEqual(unread(extended(rooms, { rooms: [], next: "" })), { a: null });
});

test("a visited room on a later page is listed again when it becomes active, and not before", () => {
  const rooms = listed({ rooms: [entry("a", 10)], next: "2" }, ["z"]);
  const quiet = changed(rooms, push(room("z", 4, { members: 2 })));
  assert.equal(isInexact(quiet), false, "the first pages don't have it");
  assert.deepEqual(unread(quiet), { z: 0, a: null });
  assert.equal(isInexact(changed(rooms, push(room("z", 11)))), true);
});

test("rooms that are removed are gone", () => {
  const rooms = listed({ rooms: [entry("a", 10), entry("b", 0)], next: "" }, []);
  assert.deepEqual(unread(changed(rooms, { kind: "pushed", rooms: [], removed: ["b", "c"] })), { a: null });
});

test("a number of rooms says whether there are more", () => {
  assert.deepEqual([counted(7, false), counted(1_000, true)], ["7", "1,000+"]);
});
