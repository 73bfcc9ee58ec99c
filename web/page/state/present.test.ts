import assert from "node:assert/strict";
import { test } from "node:test";
import type { Member, SessionState } from "../../client";
import { membersInSight } from "./present";

const member = (id: string, name = id): Member => ({ id, name });

/** The state of a room with these senders and members. */
function state(senders: readonly Member[], members: readonly Member[] | null, self: Member | null) {
  const posts = senders.map((sender) => ({ sender }));
  return { timeline: { posts }, presence: { members, self } } as unknown as SessionState;
}

test("those who are here and those who have written lately are in sight, by their newest names", () => {
  const seen = membersInSight(
    state([member("a"), member("b", "old"), member("")], [member("b", "new"), member("c")], member("d")),
  );
  assert.deepEqual(
    seen.map(({ id, name }) => `${id}:${name}`),
    ["a:a", "b:new", "c:c", "d:d"],
  );
});

test("of many only the latest and the first are looked at", () => {
  const many = (prefix: string) => Array.from({ length: 500 }, (_, i) => member(`${prefix}${i}`));
  const seen = membersInSight(state(many("sender"), many("member"), null)).map(({ id }) => id);
  assert.equal(seen.length, 140);
  assert.ok(seen.includes("sender499") && !seen.includes("sender0") && seen.includes("member0"));
});
