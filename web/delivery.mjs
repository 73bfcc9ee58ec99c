// How the built page is delivered: index.html with the hashed names of what it loads,
// the service worker that keeps these, compressed files, and the size of the first load.

import { createHash } from "node:crypto";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const dist = "dist";

/** The largest first load, gzipped, in bytes: HTML, CSS, scripts, the icon and the manifest. */
const limit = 110_000;

/** Where hashed files are: their content never changes, so that browsers keep them. */
export const hashedNames = "assets/[name]-[hash]";

/** What a page loads at first, relative to dist, of esbuild's outputs. */
export function firstLoad({ outputs }) {
  const outputOf = (source) => Object.keys(outputs).find((path) => source in outputs[path].inputs);
  const connection = outputOf("page/connection.ts");
  const app = outputOf("page/main.tsx");
  const imported = outputs[app].imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => path);
  if (outputs[connection].imports.length > 0 || imported.some((path) => path !== connection)) {
    throw new Error("the page imports more scripts at first than index.html names");
  }
  const inDist = (path) => path.slice(`${dist}/`.length);
  return { connection: inDist(connection), app: inDist(app), style: inDist(outputOf("page/styles/style.css")) };
}

/** Whether an output does nothing but import the one that has the code of its entry point. */
export function isStub({ outputs }, path) {
  const { entryPoint, inputs } = outputs[path];
  return entryPoint?.startsWith("page/") && Object.keys(inputs).length === 0;
}

/** Writes index.html. */
export async function writeIndex({ connection, app, style }) {
  let html = await readFile("page/static/index.html", "utf8");
  const replace = (from, to) => {
    if (!html.includes(from)) throw new Error(`index.html does not have ${from}`);
    html = html.replace(from, to);
  };
  replace('href="style.css"', `href="${style}"`);
  replace('src="connection.js"', `src="${connection}"`);
  replace('src="app.js"', `src="${app}"`);
  await writeFile(join(dist, "index.html"), html);
}

/** Writes the service worker, which is another one for each build. */
export async function writeServiceWorker({ connection, app, style }) {
  const index = await readFile(join(dist, "index.html"));
  const id = createHash("sha256").update(index).digest("hex").slice(0, 16);
  await build({
    entryPoints: { sw: "page/worker/worker.ts" },
    outdir: dist,
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    define: { build: JSON.stringify({ id, files: [app, connection, style] }) },
    logLevel: "warning",
  });
}

/** Removes the last build, but for its compressed files. */
export async function removeBuild() {
  for (const file of await filesIn(dist)) if (!file.endsWith(".br")) await rm(join(dist, file));
}

/**
 * Writes a compressed file beside each text of some size. One that has the same content is kept: what
 * encoders write differs between versions of Node.js, and between processors.
 */
export async function compress() {
  const files = await filesIn(dist);
  for (const file of files.filter((name) => name.endsWith(".br"))) {
    if (!files.includes(file.slice(0, -".br".length))) await rm(join(dist, file));
  }
  for (const file of files.filter((name) => /\.(css|js|svg|txt)$/.test(name))) {
    const content = await readFile(join(dist, file));
    if (content.length < 1_000 || (await decompressed(join(dist, `${file}.br`)))?.equals(content)) continue;
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    };
    await writeFile(join(dist, `${file}.br`), brotliCompressSync(content, { params }));
  }
}

async function decompressed(path) {
  try {
    return brotliDecompressSync(await readFile(path));
  } catch {
    return null; // there is none, or it is no compressed file
  }
}

/** Prints the size of the first load, and fails if it is too large. */
export async function checkSize({ connection, app, style }) {
  let total = 0;
  let brotli = 0;
  for (const file of ["index.html", style, connection, app, "icon.svg", "manifest.webmanifest"]) {
    const content = await readFile(join(dist, file));
    const gzipped = gzipSync(content, { level: 9 }).length;
    total += gzipped;
    brotli += (await readFile(join(dist, `${file}.br`)).catch(() => ({ length: gzipped }))).length;
    console.log(`${basename(file)}: ${gzipped} bytes gzipped`);
  }
  console.log(`first load: ${total} bytes gzipped, at most ${limit}; ${brotli} with Brotli`);
  if (total > limit) throw new Error("the first load is too large: load what it does not show when it is first used");
}

async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(`${folder}/`.length)).sort();
}
