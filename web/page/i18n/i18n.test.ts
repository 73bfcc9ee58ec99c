import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse, type Token } from "@messageformat/parser";
import { chooseLanguage, languageNames } from "./languages";

const folder = "page/messages";

/** The messages of a language by key, as "composer.send". */
function readMessages(language: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(join(folder, language))) {
    const area = JSON.parse(readFileSync(join(folder, language, file), "utf8")) as Record<string, string>;
    for (const [key, text] of Object.entries(area)) found.set(`${file.replace(".json", "")}.${key}`, text);
  }
  return found;
}

/** The names of the arguments of a message. */
function argumentsOf(text: string): string[] {
  const names = new Set<string>();
  const collect = (tokens: readonly Token[]) => {
    for (const token of tokens) {
      if ("arg" in token) names.add(token.arg);
      if ("cases" in token) for (const { tokens: inner } of token.cases) collect(inner);
    }
  };
  collect(parse(text));
  return [...names].sort();
}

const english = readMessages("en");

for (const language of Object.keys(languageNames)) {
  test(`${language} has every message, with the arguments of the English one`, () => {
    const translated = readMessages(language);
    assert.deepEqual([...translated.keys()].sort(), [...english.keys()].sort());
    for (const [key, text] of english) {
      assert.deepEqual(argumentsOf(translated.get(key)!), argumentsOf(text), key);
      assert.notEqual(translated.get(key)!.trim(), "", key);
    }
  });
}

test("every message is used", () => {
  const sources = readdirSync("page", { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name) && !name.includes("messages"))
    .map((name) => readFileSync(join("page", name), "utf8"))
    .join("\n");
  // Those of failures are found by what the server names, see failure-text.test.ts.
  const unused = [...english.keys()].filter((key) => !key.startsWith("failure.") && !sources.includes(`"${key}"`));
  assert.deepEqual(unused, []);
});

test("the language is the first of the browser's that there are messages in", () => {
  assert.equal(chooseLanguage(["de-CH", "ja-JP", "en"]), "ja");
  assert.equal(chooseLanguage(["ar", "en-GB"]), "en");
  assert.equal(chooseLanguage(["ar"]), "en");
  assert.equal(chooseLanguage([]), "en");
});
