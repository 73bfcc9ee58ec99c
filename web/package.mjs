// Builds the package of the client into client/dist, and checks its size.
//
//   index.js, react.js, moderation.js   modules that import protobuf-es and connect-web
//   chatroom.js          everything in one file, for <script type="module">
//   **/*.d.ts            types

import { execFileSync } from "node:child_process";
import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

process.chdir(import.meta.dirname);

/** The largest sizes, gzipped, in bytes. */
const limits = { "index.js": 31_200, "react.js": 2_000, "moderation.js": 3_700, "chatroom.js": 63_200 };

const dist = "client/dist";
await rm(dist, { recursive: true, force: true });
const options = { bundle: true, format: "esm", target: "es2022", minify: true, charset: "utf8", logLevel: "warning" };
const theirs = ["@bufbuild/*", "@connectrpc/*", "react"];
await build({ ...options, entryPoints: { index: "client/index.ts" }, outdir: dist, external: theirs });
await build({ ...options, entryPoints: { react: "react/index.ts" }, outdir: dist, external: theirs });
await build({ ...options, entryPoints: { moderation: "client/moderation.ts" }, outdir: dist, external: theirs });
await build({ ...options, entryPoints: { chatroom: "client/index.ts" }, outdir: dist });
await cp("../LICENSE", "client/LICENSE");
execFileSync("node_modules/.bin/tsc", ["-p", "tsconfig.package.json"], { stdio: "inherit" });
for (const file of await readdir(dist, { recursive: true }))
  if (file.endsWith(".d.ts")) await nameFiles(join(dist, file));

let isTooLarge = false;
for (const [name, limit] of Object.entries(limits)) {
  const size = gzipSync(await readFile(join(dist, name)), { level: 9 }).length;
  console.log(`${name}: ${size} bytes gzipped, at most ${limit}`);
  isTooLarge ||= size > limit;
}
if (isTooLarge) process.exitCode = 1;

/** Gives relative imports in types the names of files, which Node.js and TypeScript's nodenext ask for. */
async function nameFiles(path) {
  const folders = new Set(
    (await readdir(dist, { recursive: true, withFileTypes: true }))
      .filter((e) => e.isDirectory())
      .map((e) => relative(dist, join(e.parentPath ?? e.path, e.name))),
  );
  const text = await readFile(path, "utf8");
  const named = text.replace(/(from |import\()"(\.[^"]*)"/g, (_, keyword, name) => {
    const target = relative(dist, join(dirname(path), name));
    return `${keyword}"${name.replace(/\.js$/, "")}${folders.has(target) ? "/index" : ""}.js"`;
  });
  await writeFile(path, named);
}
