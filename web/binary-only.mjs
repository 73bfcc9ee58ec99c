// An esbuild plugin that leaves the JSON form of protobuf messages out of the page, which
// speaks binary alone: 20 kB that protobuf-es and connect-web bring along otherwise.

import { readFile } from "node:fs/promises";

export const binaryOnlyPlugin = {
  name: "binary-only",
  setup({ onLoad }) {
    onLoad({ filter: /@bufbuild\/protobuf\/dist\/esm\/(from|to)-json\.js$/ }, async ({ path }) => {
      const exported = (await readFile(path, "utf8")).matchAll(/^export function (\w+)/gm);
      const stubs = [...exported].map(([, name]) => `export function ${name}() { return refuse(); }`);
      return { contents: `function refuse() { throw new Error("the page has no JSON"); }\n${stubs.join("\n")}` };
    });
  },
};
