import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Failure, ownReasons } from "../../../client";
import { failureText } from "./failure-text";

Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US"] }, configurable: true });

const message = "The words of the server.";
const denied = { code: "permission_denied", message } as const;

test("what users meet has words of the page", () => {
  const cases: [Failure | null, string][] = [
    [null, ""],
    [{ code: "resource_exhausted", message, retryAfter: 2_500 }, "That was too much at once. Try again in 3 s."],
    [
      { code: "resource_exhausted", message, retryAfter: 900, reason: "limit.send.member" },
      "That was too much at once. Try again in 1 s.",
    ],
    [
      { code: "resource_exhausted", message, retryAfter: 5_000, reason: "limit.rooms.total" },
      "The server can’t have more rooms.",
    ],
    [{ code: "unavailable", message, reason: ownReasons.unreachable }, "The server could not be reached."],
    [{ code: "unavailable", message, retryAfter: 5_000 }, "The server can’t do this at the moment."],
    [{ code: "internal", message }, "The server has failed."],
    [{ code: "invalid_argument", message, reason: "text.length" }, "A message has 1 to 4,000 characters."],
    [{ ...denied, reason: "RIGHT_REQUIRED", room: "tea", right: "post" }, "You may not do this in this room."],
    [{ ...denied, reason: "RIGHT_REQUIRED", room: "tea", right: "read" }, "You may not read in this room."],
    [
      { ...denied, reason: "RIGHT_REQUIRED", room: "tea", right: "create" },
      "Nobody has made the room #tea yet, and you are not allowed to make it.",
    ],
    [{ ...denied, reason: "MUTED", moderatorReason: "noise" }, "You are muted in this room. Reason: noise"],
    [{ ...denied, reason: "BANNED" }, "You are banned from this room."],
    [denied, message],
    [{ code: "unknown", message }, message],
  ];
  for (const [failure, want] of cases) assert.equal(failureText(failure), want);
  const until = Date.now() + 3_600_000;
  assert.match(
    failureText({ ...denied, reason: "BANNED", until }),
    /^You are banned from this room. It ends: \d+:\d\d.[AP]M\.$/,
  );
});

/** The sources of a folder of the server, without tests. */
function sources(folder: string): string {
  const files = readdirSync(join("../server/internal", folder), { recursive: true, encoding: "utf8" });
  return files
    .filter((name) => name.endsWith(".go") && !name.endsWith("_test.go"))
    .map((name) => readFileSync(join("../server/internal", folder, name), "utf8"))
    .join("\n");
}

/** What only programs meet, or what the page shows otherwise. */
const others = ["CURSOR_LOST", "ERASURE_DELAYED", "ID_REUSED", "NOT_A_GUEST", "TOKEN_INVALID"];
const reasons = [...sources("rpc").matchAll(/(?:Reason: |reason, message (?::?=) )"([A-Z_]+)"/g)].map(
  ([, reason = ""]) => reason,
);

test("each reason of the server and of the client has words of the page", () => {
  assert.ok(reasons.includes("RIGHT_REQUIRED") && reasons.includes("MUTED"), `${reasons}`);
  const own = Object.values(ownReasons).filter((reason) => reason !== "SESSION_ENDED"); // as its code says
  for (const reason of [...reasons, ...own]) {
    if (!others.includes(reason)) assert.notEqual(failureText({ ...denied, reason }), message, reason);
  }
  assert.notEqual(failureText({ code: "unauthenticated", message, reason: "SESSION_ENDED" }), message);
});

test("each message about a failure is for something that there is", () => {
  const keys = Object.keys(JSON.parse(readFileSync("page/messages/en/failure.json", "utf8")));
  const rules = `${sources("rpc")}\n${sources("chat")}\n${sources("ratelimit")}`;
  const codes = ["deadline_exceeded", "internal", "unauthenticated", "unavailable"];
  const known = new Set([...reasons, ...Object.values(ownReasons), ...codes, "SIGN_IN", "tooOften", "until"]);
  for (const key of keys) {
    const isRight = /^RIGHT_REQUIRED\.(read|create)$/.test(key);
    const rule = key.replace(/^limit\./, "");
    const isRule = /^[a-z]/.test(key) && (rules.includes(`"${rule}"`) || rules.includes(`"${rule}.`));
    assert.ok(known.has(key) || isRight || isRule, key);
  }
});
