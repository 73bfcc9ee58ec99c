// An esbuild plugin for the words of the page: "messages:en" is a module with the
// messages in page/messages/en, compiled from ICU MessageFormat to functions.

import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import MessageFormat from "@messageformat/core";
import compileModule from "@messageformat/core/compile-module.js";

const folder = join(import.meta.dirname, "page/messages");

/** Each area of the page has a file of its own, and its name precedes the keys: "composer.send". */
export const messagesPlugin = {
  name: "messages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^messages:/ }, ({ path }) => ({
      path: path.slice("messages:".length),
      namespace: "messages",
    }));
    onLoad({ filter: /.*/, namespace: "messages" }, async ({ path: language }) => ({
      contents: compileModule(new MessageFormat(language), await readMessages(language)),
      resolveDir: import.meta.dirname,
      watchDirs: [join(folder, language)],
    }));
  },
};

async function readMessages(language) {
  const messages = {};
  for (const file of (await readdir(join(folder, language))).sort()) {
    messages[basename(file, ".json")] = JSON.parse(await readFile(join(folder, language, file), "utf8"));
  }
  return messages;
}
