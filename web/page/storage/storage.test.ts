import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import type { OutboxEntry } from "../../client";
import { message } from "../../client/testing/session-harness";
import {
  forgetIdentity,
  identityKey,
  latestReadCursor,
  loadIdentity,
  loadOutbox,
  loadReadCursors,
  storeIdentity,
  storeOutbox,
  storeReadCursor,
} from "./storage";

class Storage {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => this.items.set(key, value);
  removeItem = (key: string) => this.items.delete(key);
}

beforeEach(() => Object.assign(globalThis, { localStorage: new Storage(), sessionStorage: new Storage() }));

const entry: OutboxEntry = {
  id: "a",
  body: message("7n", 7n),
  time: 1,
  since: 1,
  status: "queued",
  attempts: 0,
  at: null,
  problem: "",
};

test("an outbox is restored with sequences and texts", () => {
  const edit: OutboxEntry = {
    ...entry,
    id: "b",
    body: { kind: "edit", target: 12_345_678_901_234_567_890n, text: "x" },
  };
  storeOutbox("lobby", [entry, edit]);
  assert.deepEqual(loadOutbox("lobby"), [entry, edit]);
  storeOutbox("lobby", []);
  assert.deepEqual(loadOutbox("lobby"), []);
});

test("malformed entries are ignored", () => {
  sessionStorage.setItem("chatroom.outbox.lobby", '[{"id":"a","text":"A","since":1},null,7]');
  assert.deepEqual(loadOutbox("lobby"), []);
  localStorage.setItem("chatroom.seen", '[["a",{"epoch":"e"}],3,null]');
  assert.deepEqual(loadReadCursors(), new Map());
});

test("read cursors are kept for the most recently read rooms", () => {
  for (let i = 0; i < 120; i++) storeReadCursor(`room-${i}`, { epoch: "e", sequence: BigInt(i) });
  storeReadCursor("room-30", { epoch: "e", sequence: 500n });
  const seen = loadReadCursors();
  assert.equal(seen.size, 100);
  assert.deepEqual(seen.get("room-30"), { epoch: "e", sequence: 500n });
  assert.equal(seen.has("room-5"), false);
  assert.deepEqual(latestReadCursor(localStorage.getItem("chatroom.seen")), [
    "room-30",
    { epoch: "e", sequence: 500n },
  ]);
  assert.equal(latestReadCursor(null), null);
});

test("a read cursor never goes back within an epoch", () => {
  const keep = (epoch: string, sequence: bigint) => {
    storeReadCursor("a", { epoch, sequence });
    return loadReadCursors().get("a");
  };
  keep("e", 5n);
  assert.deepEqual(keep("e", 4n), { epoch: "e", sequence: 5n });
  assert.deepEqual(keep("f", 1n), { epoch: "f", sequence: 1n });
});

test("the identity of an account is restored with what it was before", () => {
  const guest = { token: "t", member: { id: "g", name: "Ada" }, expires: 7 };
  const account = { ...guest, account: { formerIds: ["a", "b"] } };
  for (const identity of [guest, account, { ...guest, account: { formerIds: [] } }]) {
    storeIdentity(identity);
    assert.deepEqual(loadIdentity(), identity);
  }
  localStorage.setItem(identityKey, JSON.stringify({ ...guest, account: { formerIds: ["a", 7, null] } }));
  assert.deepEqual(loadIdentity(), { ...guest, account: { formerIds: ["a"] } });
  localStorage.setItem(identityKey, JSON.stringify({ ...guest, account: "x" }));
  assert.deepEqual(loadIdentity(), guest);
  forgetIdentity();
  assert.equal(loadIdentity(), null);
});
