// An esbuild plugin that keeps what the page loads at first in one script. By itself esbuild cuts
// it into one for each set of later parts that share a module, and small scripts compress worse.

import { join, relative } from "node:path";

const root = import.meta.dirname;

/** Each part that is loaded later imports the entry, so that all of them share all of it. It runs once. */
export const oneScriptPlugin = {
  name: "one-script",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind, resolveDir }) => {
      if (kind !== "dynamic-import") return undefined;
      // The hashes in names depend on this path: it is the same in every checkout
      const source = path.startsWith(".") ? `./${relative(root, join(resolveDir, path))}` : path;
      return { path: source, namespace: "later" };
    });
    onLoad({ filter: /.*/, namespace: "later" }, ({ path }) => {
      const exported = /^\w+:/.test(path) ? "{ default }" : "*"; // data has a default export alone
      return {
        contents: `import "./page/main.tsx";\nexport ${exported} from ${JSON.stringify(path)};`,
        resolveDir: root,
      };
    });
  },
};
