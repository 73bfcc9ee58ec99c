import assert from "node:assert/strict";
import { test } from "node:test";
import { matchingMembers, mentionable, queryAt } from "./completion";

/** The query at the bar in a text. */
function at(marked: string) {
  const caret = marked.indexOf("|");
  const query = queryAt(marked.replace("|", ""), caret);
  return query && [query.kind, query.start, query.words];
}

test("a word before the caret is completed", () => {
  const cases: [string, ReturnType<typeof at>][] = [
    ["@|", ["mention", 0, ""]],
    ["hi @An|", ["mention", 3, "An"]],
    ["hi (@Ann L|), you", ["mention", 4, "Ann L"]],
    ["こんにちは@田|", ["mention", 5, "田"]],
    ["ann@example|", null],
    ["@@a|", null],
    ["@ a|", null],
    ["@a b c d|", null],
    ["@An\n|", null],
    [":ta|", ["emoji", 0, "ta"]],
    ["well :+1|", ["emoji", 5, "+1"]],
    [":祝|", ["emoji", 0, "祝"]],
    [":t|", null],
    [":)|", null],
    ["at 10:30|", null],
    ["http://example|", null],
    ["::tada|", null],
    [": ta|", null],
    ["/|", ["command", 0, ""]],
    ["/to|", ["command", 0, "to"]],
    ["/topic |", null],
    ["/etc/pa|", null],
    ["|/", null],
    ["a /to|", null],
    ["/topic @a|", ["mention", 7, "a"]],
    [`@${"a".repeat(50)}|`, null],
  ];
  for (const [marked, want] of cases) assert.deepEqual(at(marked), want, marked);
});

const members = (...names: string[]) => names.map((name) => ({ id: name.toLowerCase(), name }));

test("members match by the beginning of their name or of a word in it", () => {
  const all = members("Bo Ann", "Ann", "Änne", "Joanna", "ＡＮＤＹ");
  const names = (words: string) => matchingMembers(words, all).map(({ name }) => name);
  assert.deepEqual(names("an"), ["Ann", "Änne", "ＡＮＤＹ", "Bo Ann"]);
  assert.deepEqual(names("bo a"), ["Bo Ann"]);
  assert.deepEqual(
    names(""),
    all.map(({ name }) => name),
  );
  assert.deepEqual(matchingMembers("", all, 2).length, 2);
});

test("those who wrote last are offered first, and oneself last", () => {
  const senders = [...members("Ann", "Me", "Bo", "Ann"), { id: "", name: "anonymous" }];
  const names = mentionable(senders, members("Cyd", "Bo"), ["me"]).map(({ name }) => name);
  assert.deepEqual(names, ["Ann", "Bo", "Cyd", "Me"]);
});
