// An esbuild plugin for the style sheets of parts that are loaded later: a script that imports one
// brings it along.

import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { transform } from "esbuild";

const root = import.meta.dirname;

export const stylesPlugin = {
  name: "styles",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\.css$/ }, ({ path, kind, resolveDir }) => {
      if (kind !== "import-statement") return undefined; // of one style sheet in another
      // The hashes in names depend on this path: it is the same in every checkout.
      return { path: relative(root, join(resolveDir, path)), namespace: "styles" };
    });
    onLoad({ filter: /.*/, namespace: "styles" }, async ({ path }) => {
      const { code } = await transform(await readFile(join(root, path), "utf8"), {
        loader: "css",
        minify: true,
        charset: "utf8",
      });
      return {
        contents: `const sheet = new CSSStyleSheet();
sheet.replaceSync(${JSON.stringify(code.trim())});
document.adoptedStyleSheets.push(sheet);`,
      };
    });
  },
};
