import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const folder = "page/styles";

// Where any element may follow, Chromium computes the style of all rows of the log again, with
// everything in them, whenever a row comes or goes.
test("no rule is for any element after another one", async () => {
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".css"))) {
    const rules = (await readFile(`${folder}/${file}`, "utf8")).replace(/\/\*[\s\S]*?\*\//g, "");
    const found = rules.match(/[^{},]*[+~]\s*(?:\*|:)[^{},]*(?=[{,])/g) ?? [];
    assert.deepEqual(
      found.map((selector) => selector.trim()),
      [],
      file,
    );
  }
});
