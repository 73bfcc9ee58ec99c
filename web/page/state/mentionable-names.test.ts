import assert from "node:assert/strict";
import { test } from "node:test";
import type { Member, Presence } from "../../client";
import { mentionableNames } from "./mentionable-names";
import type { Row } from "./message-rows";

const member = (id: string, name: string): Member => ({ id, name, mark: null }) as unknown as Member;
const row = (sender: Member): Row => ({ kind: "message", sender }) as unknown as Row;
const presence = (members: Member[] | null, self: Member | null): Presence =>
  ({ members, self }) as unknown as Presence;

test("those present and those who have written can be mentioned, each once", () => {
  const ada = member("1", "Ada");
  const rows = [row(ada), row(member("2", "Bob")), row(member("", "guest")), { kind: "gap", key: "g" } as Row];
  assert.deepEqual(mentionableNames(rows, presence([ada, member("3", "Cyd")], member("4", "Me"))), [
    "Ada",
    "Bob",
    "Cyd",
    "Me",
  ]);
  assert.deepEqual(mentionableNames([], presence(null, null)), []);
});
