// An esbuild plugin for the emoji of the page, made of the data of emojibase.
// "emoji:set" is a module with the emoji that the service accepts, in the order of
// Unicode, and their names. "emoji:en" has the words to search them by in English.

import { readFile } from "node:fs/promises";
import { join } from "node:path";

const data = join(import.meta.dirname, "node_modules/emojibase-data");
const accepted = join(import.meta.dirname, "../server/internal/text/emoji.txt");

/** The names come first from the sets that people know from GitHub and Slack. */
const nameSets = ["github", "iamcal", "emojibase"];

export const emojiPlugin = {
  name: "emoji",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^emoji:/ }, ({ path }) => ({ path: path.slice("emoji:".length), namespace: "emoji" }));
    onLoad({ filter: /.*/, namespace: "emoji" }, async ({ path }) => ({
      contents: JSON.stringify(path === "set" ? await readSet() : await readWords(path)),
      loader: "json",
      watchFiles: [accepted],
    }));
  },
};

/** The emoji without skin tones of each group: an emoji and its names on each line. */
async function readSet() {
  const forms = await storedForms();
  const { groups } = await readData("en/messages.json");
  const names = await readNames();
  return groups
    .filter(({ key }) => key !== "component")
    .map(({ key, order }) => ({ key, emoji: inOrder(forms.emoji).filter(({ group }) => group === order) }))
    .map(({ key, emoji }) => ({
      key,
      rows: emoji.map(({ hexcode, emoji: e }) => [forms.of(e), ...names.get(hexcode)].join(" ")).join("\n"),
    }));
}

/** The label of each emoji in a language and, after a tab, more words, in the order of the set. */
async function readWords(language) {
  const forms = await storedForms();
  const translated = new Map((await readData(`${language}/data.json`)).map((e) => [e.hexcode, e]));
  return inOrder(forms.emoji)
    .map(({ hexcode }) => translated.get(hexcode))
    .map(({ label, tags = [] }) => `${label}\t${tags.filter((tag) => !label.includes(tag)).join(" ")}`)
    .join("\n");
}

/** Emojibase selects the style of every emoji; the service stores the form that Unicode recommends. */
async function storedForms() {
  const lines = (await readFile(accepted, "utf8")).split("\n").filter((line) => line && !line.startsWith("# "));
  const stored = new Map(lines.map((emoji) => [withoutSelectors(emoji), emoji]));
  const of = (emoji) => stored.get(withoutSelectors(emoji));
  return { of, emoji: (await readData("en/data.json")).filter(({ emoji }) => of(emoji)) };
}

const withoutSelectors = (emoji) => emoji.replaceAll("\ufe0f", "");

/** Unicode's order, without the components such as hair styles. */
function inOrder(emoji) {
  return emoji.filter(({ group }) => group !== undefined && group !== 2).sort((a, b) => a.order - b.order);
}

/** The names by the code points of the emoji. No two emoji have a name in common. */
async function readNames() {
  const names = new Map();
  const taken = new Set();
  for (const set of nameSets) {
    for (const [hexcode, found] of Object.entries(await readData(`en/shortcodes/${set}.json`))) {
      const own = names.get(hexcode) ?? names.set(hexcode, []).get(hexcode);
      for (const name of [found].flat().filter((name) => !taken.has(name))) {
        taken.add(name);
        own.push(name);
      }
    }
  }
  return names;
}

async function readData(path) {
  return JSON.parse(await readFile(join(data, path), "utf8"));
}
