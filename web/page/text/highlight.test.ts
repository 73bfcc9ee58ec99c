import assert from "node:assert/strict";
import { test } from "node:test";
import { highlight } from "./highlight";

test("code keeps its text, whatever the language", () => {
  const code = 'func main() {\n\tx := "a" // 1\n}\n<b class="x">`$1`</b> # --\n\'unclosed';
  for (const language of [
    "go",
    "js",
    "typescript",
    "python",
    "sh",
    "json",
    "html",
    "css",
    "sql",
    "rust",
    "yaml",
    "diff",
    "c++",
    "java",
    "md",
  ]) {
    assert.equal(
      highlight(code, language)
        ?.map(({ text }) => text)
        .join(""),
      code,
      language,
    );
  }
});

test("keywords, texts and comments are told apart", () => {
  const kinds = new Map(highlight('return "a" // b', "golang")?.map(({ text, kind }) => [text.trim(), kind]));
  assert.deepEqual([kinds.get("return"), kinds.get('"a"'), kinds.get("// b")], ["kwd", "str", "cmnt"]);
});

test("other languages have no colours", () => {
  for (const language of ["", "klingon", "constructor", "__proto__", "toString"]) {
    assert.equal(highlight("x", language), null, language);
  }
});
