// An esbuild plugin that decodes the descriptors of messages when the page is built. protobuf-es
// does it in the browser, for which it brings the descriptors of descriptors along.

import { readFile } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** An enum that TypeScript compiled. Unless it is a pure expression, it stays in the bundle unused. */
const compiledEnum = /^export var (\w+);\n\(function \(\1\) \{([\s\S]*?)^\}\)\(\1 \|\| \(\1 = \{\}\)\);$/gm;

export const descriptorsPlugin = {
  name: "descriptors",
  setup({ onLoad }) {
    onLoad({ filter: /_pb\.(js|ts)$/ }, async ({ path }) => ({
      contents: (await readFile(path, "utf8"))
        .replace(/(?<=fileDesc\()"([A-Za-z0-9+/=]*)"/, (_, encoded) => decode(encoded))
        .replace(compiledEnum, "export const $1 = /*@__PURE__*/ (function ($1) {$2  return $1;\n})({});"),
      loader: path.endsWith(".ts") ? "ts" : "js",
    }));
    onLoad({ filter: /@bufbuild\/protobuf\/dist\/esm\/codegenv2\/file\.js$/ }, () => ({ contents: runtime }));
  },
};

/** What takes the place of protobuf-es's module of the same exports. */
const runtime = `
import { createEmbeddedFileRegistry } from "../registry.js";

const filled = (message) => ({
  field: [], oneofDecl: [], extension: [], enumType: [], ...message, nestedType: (message.nestedType ?? []).map(filled),
});

export function fileDesc(file, imports = []) {
  const proto = {
    $typeName: "google.protobuf.FileDescriptorProto", enumType: [], service: [], extension: [], ...file,
    dependency: imports.map(({ proto }) => proto.name), messageType: (file.messageType ?? []).map(filled),
  };
  return createEmbeddedFileRegistry(proto, (name) => imports.find(({ proto }) => proto.name === name)).getFile(proto.name);
}
`;

/** Returns a descriptor as a literal, without what is only for other languages, JSON and documentation. */
function decode(encoded) {
  const {
    name,
    package: package_,
    syntax,
    messageType,
    enumType,
    service,
    extension,
  } = fromBinary(FileDescriptorProtoSchema, base64Decode(encoded));
  const left = new Set(["$typeName", "$unknown", "jsonName", "reservedRange", "reservedName", "extensionRange"]);
  return JSON.stringify({ name, package: package_, syntax, messageType, enumType, service, extension }, (key, value) =>
    left.has(key) || (Array.isArray(value) && value.length === 0) ? undefined : value,
  );
}
