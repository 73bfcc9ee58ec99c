// An esbuild plugin that leaves out what protobuf-es and connect-web bring along and the page never
// calls: the JSON form of messages, as it speaks binary alone, and default values, which only proto2 has.

import { readFile } from "node:fs/promises";

export const binaryOnlyPlugin = {
  name: "binary-only",
  setup({ onLoad }) {
    const filter = /@bufbuild\/protobuf\/dist\/esm\/(from-json|to-json|wire\/text-format)\.js$/;
    onLoad({ filter }, async ({ path }) => {
      const exported = (await readFile(path, "utf8")).matchAll(/^export function (\w+)/gm);
      const stubs = [...exported].map(([, name]) => `export function ${name}() { return refuse(); }`);
      return { contents: `function refuse() { throw new Error("the page has no such form"); }\n${stubs.join("\n")}` };
    });
  },
};
