import assert from "node:assert/strict";
import { test } from "node:test";
import type { Cursor, ListedRoom, RoomSummary } from "../model";
import {
  changeList,
  firstPage,
  isIncomplete,
  isInexact,
  messageCount,
  type RoomList,
  unreadCount,
  unreadElsewhere,
  withPage,
} from "./room-list";

function room(name: string, messages: number, change: Partial<RoomSummary> = {}): RoomSummary {
  return {
    name,
    displayName: "",
    topic: "",
    members: 1,
    head: BigInt(messages),
    messages: BigInt(messages),
    lastActivity: messages,
    ...change,
  };
}

function entry(name: string, messages: number, unread: number | null = null): ListedRoom {
  return { ...room(name, messages), unread };
}

const at = (sequence: number): Cursor => ({ epoch: "e", sequence: BigInt(sequence) });
const never: ReadonlyMap<string, Cursor> = new Map();
const push = (...rooms: RoomSummary[]) => ({ kind: "reported", rooms, removed: [], visited: never }) as const;
const read = (name: string, sequence: number) => ({ kind: "read", room: name, sequence: BigInt(sequence) }) as const;

/** The unread count of each room, null if it was never visited. */
function unread({ known }: RoomList): Record<string, number | null> {
  return Object.fromEntries([...known.values()].map((r) => [r.name, r.read === null ? null : unreadCount(r)]));
}

test("messages after a list are added to its unread count", () => {
  let rooms = firstPage({ rooms: [entry("a", 10, 3), entry("b", 5, 0), entry("c", 7)], nextToken: "" }, never);
  assert.deepEqual(unread(rooms), { a: 3, b: 0, c: null });
  rooms = changeList(rooms, push(room("a", 12), room("c", 9), room("d", 1)));
  assert.deepEqual(unread(rooms), { a: 5, b: 0, c: null, d: null });
  assert.equal(unreadElsewhere(rooms, "b"), 5);
  assert.equal(unreadElsewhere(rooms, "a"), 0);
  assert.equal(unreadElsewhere(null, "a"), 0);
});

test("a frame that is older than the list changes nothing", () => {
  const rooms = firstPage({ rooms: [entry("a", 10, 3)], nextToken: "" }, never);
  assert.deepEqual(changeList(rooms, push(room("a", 9, { topic: "old" }))).known, rooms.known);
});

test("the count of messages of a room is that of its newest summary, and not known of one that was only visited", () => {
  const list = firstPage(
    { rooms: [entry("a", 10, 0), entry("empty", 0)], nextToken: "next" },
    new Map([["visited", at(2)]]),
  );
  const rooms = changeList(list, push(room("a", 12, { head: 14n })));
  assert.deepEqual(messageCount(rooms, "a"), { head: 14n, messages: 12n });
  assert.deepEqual(messageCount(rooms, "empty"), { head: 0n, messages: 0n });
  assert.deepEqual(
    [messageCount(rooms, "visited"), messageCount(rooms, "other"), messageCount(null, "a")],
    [null, null, null],
  );
});

test("only messages count as unread", () => {
  let rooms = firstPage({ rooms: [entry("a", 10, 0)], nextToken: "" }, never);
  rooms = changeList(rooms, push(room("a", 10, { head: 14n, displayName: "A", members: 3 })));
  assert.deepEqual(unread(rooms), { a: 0 });
  assert.equal(rooms.known.get("a")?.displayName, "A");
});

test("a room that was read up to its head has nothing unread, in any order of arrival", () => {
  let rooms = firstPage({ rooms: [entry("a", 10, 3)], nextToken: "" }, never);
  rooms = changeList(rooms, read("a", 10));
  assert.deepEqual(unread(rooms), { a: 0 });
  rooms = changeList(rooms, read("a", 12)); // before the push that has these events
  rooms = changeList(rooms, push(room("a", 12)));
  assert.deepEqual(unread(rooms), { a: 0 });
  rooms = changeList(rooms, push(room("a", 13)));
  assert.deepEqual(unread(rooms), { a: 1 });
  rooms = changeList(rooms, read("a", 11)); // late
  assert.deepEqual([unread(rooms), isInexact(rooms)], [{ a: 1 }, false]);
  rooms = changeList(rooms, read("a", 13)); // after the push
  assert.deepEqual(unread(rooms), { a: 0 });
  assert.equal(isInexact(rooms), false);
});

test("an unread count that frames cannot give is inexact until the next list", () => {
  let rooms = firstPage({ rooms: [entry("a", 10, 0)], nextToken: "" }, never);
  rooms = changeList(rooms, read("a", 12));
  assert.equal(isInexact(rooms), false);
  rooms = changeList(rooms, push(room("a", 11)));
  assert.equal(isInexact(rooms), false);
  rooms = changeList(rooms, push(room("a", 15))); // nothing says whether 12 was a message
  assert.equal(isInexact(rooms), true);
  rooms = firstPage({ rooms: [entry("a", 15, 3)], nextToken: "" }, never);
  assert.equal(isInexact(rooms), false);
  assert.deepEqual(unread(rooms), { a: 3 });
});

test("100 stands for 100 or more", () => {
  let rooms = firstPage({ rooms: [entry("a", 500, 100)], nextToken: "" }, never);
  rooms = changeList(rooms, push(room("a", 900)));
  assert.deepEqual(unread(rooms), { a: 100 });
});

test("reading a room for the first time makes it visited", () => {
  let rooms = firstPage({ rooms: [entry("a", 10)], nextToken: "" }, never);
  rooms = changeList(changeList(rooms, read("a", 10)), read("b", 1));
  assert.deepEqual(unread(rooms), { a: 0, b: 0 });
  rooms = changeList(rooms, push(room("a", 11), room("b", 3)));
  assert.deepEqual(unread(rooms), { a: 1, b: 2 }, "at most all of the events after the first are messages");
  assert.equal(isInexact(rooms), true, "the count before b's first frame is not known");
});

test("visited rooms are known before the page that lists them", () => {
  let rooms = firstPage(
    { rooms: [entry("a", 10)], nextToken: "2" },
    new Map([
      ["a", at(10)],
      ["z", at(4)],
    ]),
  );
  assert.deepEqual(unread(rooms), { z: 0, a: null });
  assert.equal(isIncomplete(rooms), true);
  rooms = withPage(rooms, { rooms: [entry("q", 5), entry("z", 4, 2)], nextToken: "3" });
  assert.deepEqual(unread(rooms), { z: 2, a: null, q: null });
  assert.equal(isIncomplete(rooms), false);
  assert.deepEqual([rooms.listed, rooms.nextToken, rooms.oldestActivity], [3, "3", 4]);
});

test("a visited room that is on no page does not exist", () => {
  assert.deepEqual(unread(firstPage({ rooms: [entry("a", 10)], nextToken: "" }, new Map([["z", at(4)]]))), { a: null });
  const rooms = firstPage({ rooms: [entry("a", 10)], nextToken: "2" }, new Map([["z", at(4)]]));
  assert.deepEqual(unread(withPage(rooms, { rooms: [], nextToken: "" })), { a: null });
});

test("a visited room on a later page is listed again when it becomes active, and not before", () => {
  const rooms = firstPage({ rooms: [entry("a", 10)], nextToken: "2" }, new Map([["z", at(4)]]));
  const quiet = changeList(rooms, push(room("z", 4, { members: 2 })));
  assert.equal(isInexact(quiet), false, "it is on no page that was read");
  assert.deepEqual(unread(quiet), { z: 0, a: null });
  assert.equal(isInexact(changeList(rooms, push(room("z", 11)))), true);
});

test("removed rooms are dropped", () => {
  const rooms = firstPage({ rooms: [entry("a", 10), entry("b", 0)], nextToken: "" }, never);
  assert.deepEqual(unread(changeList(rooms, { kind: "reported", rooms: [], removed: ["b", "c"], visited: never })), {
    a: null,
  });
});

test("a room that was visited while it was empty counts its first message at once", () => {
  const list = changeList(firstPage({ rooms: [entry("a", 10)], nextToken: "" }, never), read("new", 0));
  const rooms = changeList(list, push(room("new", 1)));
  assert.deepEqual([unread(rooms), isInexact(rooms)], [{ a: null, new: 1 }, false]);
});

test("a visited room that comes back is visited still", () => {
  let rooms = firstPage({ rooms: [entry("a", 10)], nextToken: "" }, never);
  rooms = changeList(rooms, { ...push(room("back", 1)), visited: new Map([["back", at(0)]]) });
  assert.deepEqual([unread(rooms), isInexact(rooms)], [{ a: null, back: 1 }, false]);
});

test("an inexact count is at most the number of events that were not read", () => {
  let rooms = firstPage({ rooms: [entry("a", 10, 0)], nextToken: "" }, never);
  rooms = changeList(changeList(rooms, read("a", 14)), push(room("a", 15)));
  assert.deepEqual([unread(rooms), isInexact(rooms)], [{ a: 1 }, true]);
});

test("a room that was left counts as never visited", () => {
  let rooms = firstPage({ rooms: [entry("a", 10, 3)], nextToken: "2" }, new Map([["z", at(4)]]));
  rooms = changeList(changeList(rooms, { kind: "left", room: "a" }), { kind: "left", room: "z" });
  assert.deepEqual(unread(rooms), { a: null });
  assert.deepEqual(unread(changeList(rooms, push(room("a", 12)))), { a: null });
  assert.deepEqual(changeList(rooms, { kind: "left", room: "unknown" }).known, rooms.known);
});
