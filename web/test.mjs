// Bundles the tests, which are TypeScript, and runs them with node's test runner.

import { spawnSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { build } from "esbuild";
import { emojiPlugin } from "./emoji.mjs";
import { messagesPlugin } from "./messages.mjs";

process.chdir(import.meta.dirname);

const out = "node_modules/.tests";
const tests = [];
for (const folder of ["client", "react", "page"]) {
  for (const file of await readdir(folder, { recursive: true })) {
    if (/\.test\.tsx?$/.test(file)) tests.push(`${folder}/${file}`);
  }
}
tests.sort();
await rm(out, { recursive: true, force: true });
await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: tests,
  outdir: out,
  outbase: ".",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [emojiPlugin, messagesPlugin],
  sourcemap: "inline",
  external: ["react", "react-dom"], // they are CommonJS
  logLevel: "warning",
});
const files = [...tests.map((name) => `${out}/${name.replace(/tsx?$/, "mjs")}`), "descriptors.test.mjs"];
const node = ["--enable-source-maps", "--test", "--test-reporter=spec", ...files];
const { status } = spawnSync(process.execPath, node, { stdio: "inherit" });
process.exitCode = status ?? 1;
