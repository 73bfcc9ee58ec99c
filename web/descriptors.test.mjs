// The descriptors that the build decodes are those that protobuf-es decodes in a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { build } from "esbuild";
import { descriptorsPlugin } from "./descriptors.mjs";

const modules = ["event", "frame", "chat_room", "moderation"].map((name) => `./client/gen/chat/v1/${name}_pb`);

async function load(plugins) {
  const contents = [...modules, "@bufbuild/protobuf/wkt"].map((name) => `export * from "${name}";`).join("\n");
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    format: "esm",
    write: false,
    plugins,
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

/** Asserts that two graphs of descriptors are one, but for what only JSON and options need. */
function assertSame(wanted, got, path, seen) {
  if (path.endsWith(".proto") || path.endsWith(".jsonName")) return;
  if (typeof wanted === "function") {
    if (path.endsWith(".getDefaultValue")) assert.equal(got(), wanted(), path);
    return;
  }
  if (typeof wanted !== "object" || wanted === null) return assert.equal(got, wanted, path);
  if (seen.has(wanted)) return assert.equal(got, seen.get(wanted), path);
  seen.set(wanted, got);
  assert.deepEqual(Object.keys(got), Object.keys(wanted), path);
  for (const key of Object.keys(wanted)) assertSame(wanted[key], got[key], `${path}.${key}`, seen);
}

test("the build decodes descriptors as protobuf-es does", async () => {
  const [wanted, got] = [await load([]), await load([descriptorsPlugin])];
  const names = Object.keys(wanted).filter(
    (name) => /^(file_chat|.*Schema$)/.test(name) && !/options|feature/i.test(name),
  );
  assert.ok(names.includes("EventSchema") && names.includes("TimestampSchema"));
  const seen = new Map();
  for (const name of names) assertSame(wanted[name], got[name], name, seen);
});
