import assert from "node:assert/strict";
import { test } from "node:test";
import { newEntry, unsentByRoom } from "./outbox-entry";

test("what is unsent is counted by room", () => {
  const entry = (id: string, room: string) => newEntry(id, room, { kind: "message", text: "hi", replyTo: 0n }, 1);
  const entries = [entry("1", "a"), entry("2", "b"), { ...entry("3", "a"), status: "failed" as const }];
  assert.deepEqual(
    [...unsentByRoom(entries)],
    [
      ["a", { waiting: 1, failed: 1 }],
      ["b", { waiting: 1, failed: 0 }],
    ],
  );
  assert.equal(unsentByRoom([]).size, 0);
});
