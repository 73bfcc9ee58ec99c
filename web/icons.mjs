// Renders the PNG icons in page/static from icon.svg, with Chromium. Run it when the icon changes.

import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

process.chdir(import.meta.dirname);

const svg = await readFile("page/static/icon.svg", "utf8");
/** Without rounded corners, for systems that cut icons to a shape of their own. */
const full = svg.replace(/ rx="[^"]*"/, "");
/** With the symbol in the middle, which every shape leaves: four fifths of the width. */
const maskable = full
  .replace("<path", '<g transform="translate(16 16) scale(.8) translate(-16 -16)"><path')
  .replace("</svg>", "</g></svg>");

const folder = await mkdtemp(join(tmpdir(), "icons-"));
for (const [name, size, image] of [
  ["icon-192", 192, svg],
  ["icon-512", 512, svg],
  ["icon-maskable-512", 512, maskable],
  ["apple-touch-icon", 180, full],
]) {
  const page = join(folder, `${name}.html`);
  await writeFile(page, `<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${image}`);
  execFileSync(process.env.CHROMIUM ?? "chromium", [
    "--headless",
    "--no-sandbox",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--default-background-color=00000000",
    `--window-size=${size},${size}`,
    `--screenshot=${join(import.meta.dirname, "page/static", `${name}.png`)}`,
    pathToFileURL(page).href,
  ]);
}
await rm(folder, { recursive: true });
