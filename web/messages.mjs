// An esbuild plugin for the words of the page: "messages:ja" is a module with the
// messages in page/messages/ja, compiled from ICU MessageFormat to functions. "messages:en"
// is without the areas of parts that are loaded later: these have "messages:en/moderation".

import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import MessageFormat from "@messageformat/core";
import compileModule from "@messageformat/core/compile-module.js";

const folder = join(import.meta.dirname, "page/messages");

/** The areas that "messages:en" is without. */
const laterAreas = ["composer", "moderation", "room-dialogs", "settings"];

/** Each area of the page has a file of its own, and its name precedes the keys: "composer.send". */
export const messagesPlugin = {
  name: "messages",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^messages:/ }, ({ path }) => ({
      path: path.slice("messages:".length),
      namespace: "messages",
    }));
    onLoad({ filter: /.*/, namespace: "messages" }, async ({ path }) => {
      const [language, area] = path.split("/");
      return {
        contents: compileModule(new MessageFormat(language), await readMessages(language, area)),
        resolveDir: import.meta.dirname,
        watchDirs: [join(folder, language)],
      };
    });
  },
};

/** Without an area, those of a language that are loaded together. */
async function readMessages(language, area) {
  const messages = {};
  for (const file of (await readdir(join(folder, language))).sort()) {
    const name = basename(file, ".json");
    const isWanted = area ? name === area : language !== "en" || !laterAreas.includes(name);
    if (isWanted) messages[name] = JSON.parse(await readFile(join(folder, language, file), "utf8"));
  }
  return messages;
}
