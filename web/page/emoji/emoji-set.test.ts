import english from "emoji:en";
import japanese from "emoji:ja";
import groups from "emoji:set";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { EmojiSet, skinTones, withTone } from "./emoji-set";

const set = new EmojiSet(groups, [english]);
const setInJapanese = new EmojiSet(groups, [japanese, english]);

/** What the service accepts, see server/internal/text. */
const accepted = new Set(
  readFileSync("../server/internal/text/emoji.txt", "utf8")
    .split("\n")
    .filter((line) => line && !line.startsWith("# ")),
);

const best = (query: string, emoji = set) => emoji.search(query, 5).map(({ emoji }) => emoji);

test("the service accepts every emoji, in every skin tone, as it is written", () => {
  const own = set.groups.flatMap(({ emoji }) => emoji);
  assert.ok(own.length > 1_900);
  const offered = new Set<string>();
  for (const { emoji } of own) for (const tone of [null, ...skinTones]) offered.add(withTone(emoji, tone));
  for (const emoji of offered) assert.ok(accepted.has(emoji), emoji);
  // The others are parts of emoji, such as hair, or show two skin tones.
  const others = [...accepted].filter((emoji) => !offered.has(emoji) && !/^\p{Emoji_Component}$/u.test(emoji));
  for (const emoji of others) assert.equal(new Set(emoji.match(/[🏻-🏿]/gu)).size, 2, emoji);
});

test("a skin tone is put on people and hands alone", () => {
  assert.equal(withTone("👍", "🏽"), "👍🏽");
  assert.equal(withTone("✌️", "🏿"), "✌🏿");
  assert.equal(withTone("👍🏽", null), "👍");
  assert.equal(withTone("👩‍💻", "🏻"), "👩🏻‍💻");
  assert.equal(withTone("🎉", "🏻"), "🎉");
  assert.equal(withTone("👨‍👩‍👧", "🏻"), "👨‍👩‍👧");
});

test("emoji are found by their names and words, the best first", () => {
  assert.equal(best("tada")[0], "🎉");
  assert.equal(best(":tada:")[0], "🎉");
  assert.equal(best("+1")[0], "👍");
  assert.equal(best("hear")[0], "❤️");
  assert.equal(best("heart")[0], "❤️");
  assert.equal(best("PARTY pop")[0], "🎉");
  assert.ok(best("red heart").includes("❤️"));
  assert.deepEqual(best("no such emoji"), []);
  assert.deepEqual(best("  "), []);
});

test("emoji are found in Japanese and in English", () => {
  assert.ok(setInJapanese.search("ねこ", 20).some(({ emoji }) => emoji === "🐈"));
  assert.ok(setInJapanese.search("ネコ", 20).some(({ emoji }) => emoji === "🐈"));
  assert.equal(best("tada", setInJapanese)[0], "🎉");
  assert.equal(setInJapanese.describe("🎉")?.label, "クラッカー");
});

test("an emoji is described whatever its skin tone and style", () => {
  assert.equal(set.describe("👍🏽")?.label, "thumbs up");
  assert.equal(set.describe("👍️")?.names[0], "+1");
  assert.equal(set.describe("❤")?.emoji, "❤️");
  assert.equal(set.describe("x"), undefined);
});
