// Bundles the page into dist. The same sources give the same bytes, on every
// machine: CI builds them again and compares. Compressed files are compared by their content.

import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { build } from "esbuild";
import { binaryOnlyPlugin } from "./binary-only.mjs";
import {
  checkSize,
  compress,
  firstLoad,
  hashedNames,
  isStub,
  removeBuild,
  writeIndex,
  writeServiceWorker,
} from "./delivery.mjs";
import { descriptorsPlugin } from "./descriptors.mjs";
import { emojiPlugin } from "./emoji.mjs";
import { messagesPlugin } from "./messages.mjs";
import { oneScriptPlugin } from "./one-script.mjs";
import { stylesPlugin } from "./styles.mjs";

process.chdir(import.meta.dirname);

const { metafile, outputFiles } = await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: { connection: "page/connection.ts", app: "page/main.tsx", style: "page/styles/style.css" },
  outdir: "dist",
  entryNames: hashedNames,
  chunkNames: hashedNames,
  bundle: true,
  splitting: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [oneScriptPlugin, binaryOnlyPlugin, descriptorsPlugin, emojiPlugin, messagesPlugin, stylesPlugin],
  legalComments: "none",
  metafile: true,
  write: false, // a build that fails leaves the last one
  logLevel: "warning",
});

await removeBuild();
for (const { path, contents } of outputFiles) {
  if (isStub(metafile, relative(".", path))) continue;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}
const loaded = firstLoad(metafile);
await writeIndex(loaded);
for (const file of await readdir("page/static")) {
  if (file !== "index.html") await cp(`page/static/${file}`, `dist/${file}`);
}
await writeServiceWorker(loaded);
await writeFile("dist/licenses.txt", await licenses(metafile));
await compress();
await checkSize(loaded);

/** The licences of the packages in the bundle, which ask to be passed on. */
async function licenses({ inputs }) {
  const found = Object.keys(inputs).map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  if ("emoji:set" in inputs) found.push("emojibase-data");
  const names = [...new Set(found.filter(Boolean))].sort();
  const parts = ["The scripts of the page contain the following packages.\n"];
  for (const name of names) {
    const { version, license } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
    parts.push(`${name} ${version}: ${license}\n`);
    const own = await readFile(`node_modules/${name}/LICENSE`, "utf8").catch(() => "");
    if (own) parts.push(indented(own));
  }
  for (const path of Object.keys(inputs).sort()) {
    if (/^(messages|emoji|later|styles):/.test(path)) continue; // not a file
    const notice = /^(?:\/\/.*\n)*\/\/ Redistribution and use in source(?:.*\n\/\/)*.*\n/.exec(
      await readFile(path, "utf8"),
    );
    if (notice) parts.push(`${path.replace("node_modules/", "")}\n`, indented(notice[0].replace(/^\/\/ ?/gm, "")));
  }
  const apache = await readFile("../LICENSE", "utf8");
  parts.push(`Apache-2.0\n`, apache.replace(/^\n+/, ""));
  return parts.join("\n");
}

function indented(text) {
  const lines = text.trimEnd().replace(/^/gm, "    ");
  return `${lines.replace(/[ \t]+$/gm, "")}\n`;
}
