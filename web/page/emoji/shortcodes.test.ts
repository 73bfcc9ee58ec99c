import groups from "emoji:set";
import assert from "node:assert/strict";
import { test } from "node:test";
import { codePoints } from "../../client";
import { loadLinkFinder } from "../text";
import { EmojiSet } from "./emoji-set";
import { mayHaveShortcodes, withEmoji } from "./shortcodes";

await loadLinkFinder();

const set = new EmojiSet(groups, []);
const expanded = (text: string) => withEmoji(text, (name) => set.named(name));

test("shortcodes become emoji", () => {
  const cases: [string, string][] = [
    [":tada:", "🎉"],
    ["done :tada::+1:!", "done 🎉👍!"],
    [":TADA:", "🎉"],
    [":no_such_name:", ":no_such_name:"],
    ["at 10:100:00", "at 10:100:00"],
    ["std::heart::x", "std::heart::x"],
    ["a:heart:b", "a:heart:b"],
    ["やった:tada:ね", "やった🎉ね"],
    ["::heart::", "::heart::"],
    [":-) :D", ":-) :D"],
    ["\\:tada:", "\\:tada:"],
    ["**a :tada:**\n> q :tada:\n\n- i :tada:", "**a 🎉**\n> q 🎉\n\n- i 🎉"],
    ["\u{100000} :tada:", "\u{100000} :tada:"],
  ];
  for (const [text, want] of cases) assert.equal(expanded(text), want, text);
});

test("shortcodes in code and in URLs stay", () => {
  const cases: [string, string][] = [
    ["`:tada:` :tada:", "`:tada:` 🎉"],
    ["``a ` :tada:`` :tada:", "``a ` :tada:`` 🎉"],
    ["`a\n:tada:` :tada:", "`a\n:tada:` 🎉"],
    ["- it`s\n- `:tada:`", "- it`s\n- `:tada:`"],
    ["it`s :tada:", "it`s 🎉"],
    ["```\n:tada:\n```\n:tada:", "```\n:tada:\n```\n🎉"],
    ["```:tada:```", "```:tada:```"],
    ["> ```\n> :tada:\n> ```", "> ```\n> :tada:\n> ```"],
    ["https://x.example/:tada:/a :tada:", "https://x.example/:tada:/a 🎉"],
    ["[:tada: party](https://x.example/:tada:)", "[🎉 party](https://x.example/:tada:)"],
  ];
  for (const [text, want] of cases) assert.equal(expanded(text), want, text);
});

test("a text without what may be a shortcode needs no emoji", () => {
  for (const text of ["", "words", "at 10:30:45", "https://x.example:80/a:b", ":-) :D", "std::heart::x"]) {
    assert.equal(mayHaveShortcodes(text), false, text);
  }
  for (const text of [":tada:", "a :no_such_name: b"]) assert.equal(mayHaveShortcodes(text), true, text);
});

test("no emoji has more code points than its shortcode: a text of the greatest length stays valid", () => {
  for (const { emoji, names } of set.groups.flatMap((group) => group.emoji)) {
    for (const name of names) assert.ok(codePoints(emoji) <= codePoints(`:${name}:`), name);
  }
});
