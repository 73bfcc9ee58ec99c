import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { saying } from "../../client/testing/session-harness";
import { keepOutbox, keepSeen, lastSeen, loadOutbox, loadSeen } from "./storage";
import type { Outgoing } from "../../client/session/step";

class Storage {
  readonly items = new Map<string, string>();
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => this.items.set(key, value);
  removeItem = (key: string) => this.items.delete(key);
}

beforeEach(() => Object.assign(globalThis, { localStorage: new Storage(), sessionStorage: new Storage() }));

const entry: Outgoing = { id: "a", body: saying("7n", 7n), time: 1, since: 1, status: "queued", attempts: 0, at: null, problem: "" };

test("an outbox comes back as it was, sequences and texts alike", () => {
  const edit: Outgoing = { ...entry, id: "b", body: { kind: "edit", target: 12_345_678_901_234_567_890n, text: "x" } };
  keepOutbox("lobby", [entry, edit]);
  assert.deepEqual(loadOutbox("lobby"), [entry, edit]);
  keepOutbox("lobby", []);
  assert.deepEqual(loadOutbox("lobby"), []);
});

test("what an older page left is no reason to fail", () => {
  sessionStorage.setItem("chatroom.outbox.lobby", '[{"id":"a","text":"A","since":1},null,7]');
  assert.deepEqual(loadOutbox("lobby"), []);
  localStorage.setItem("chatroom.seen", '[["a",{"epoch":"e"}],3,null]');
  assert.deepEqual(loadSeen(), new Map());
});

test("what was seen is remembered for the rooms that were seen last", () => {
  for (let i = 0; i < 120; i++) keepSeen(`room-${i}`, { epoch: "e", sequence: BigInt(i) });
  keepSeen("room-30", { epoch: "e", sequence: 500n });
  const seen = loadSeen();
  assert.equal(seen.size, 100);
  assert.deepEqual(seen.get("room-30"), { epoch: "e", sequence: 500n });
  assert.equal(seen.has("room-5"), false);
  assert.deepEqual(lastSeen(localStorage.getItem("chatroom.seen")), ["room-30", { epoch: "e", sequence: 500n }]);
  assert.equal(lastSeen(null), null);
});

test("what was seen stays seen, unless the log is another one", () => {
  const keep = (epoch: string, sequence: bigint) => {
    keepSeen("a", { epoch, sequence });
    return loadSeen().get("a");
  };
  keep("e", 5n);
  assert.deepEqual(keep("e", 4n), { epoch: "e", sequence: 5n });
  assert.deepEqual(keep("f", 1n), { epoch: "f", sequence: 1n });
});
