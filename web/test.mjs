// Bundles the tests, which are TypeScript, and runs them with node's test runner.

import { spawnSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { build } from "esbuild";

process.chdir(import.meta.dirname);

const out = "node_modules/.tests";
const tests = (await readdir("src")).filter((name) => /\.test\.tsx?$/.test(name)).map((name) => `src/${name}`);
await rm(out, { recursive: true, force: true });
await build({
  entryPoints: tests,
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  jsx: "automatic",
  jsxImportSource: "preact",
  sourcemap: "inline",
  logLevel: "warning",
});
const files = tests.map((name) => `${out}/${name.slice("src/".length).replace(/tsx?$/, "mjs")}`);
const { status } = spawnSync(process.execPath, ["--enable-source-maps", "--test", "--test-reporter=spec", ...files], { stdio: "inherit" });
process.exitCode = status ?? 1;
