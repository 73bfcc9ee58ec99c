// Parts of the page that are loaded when they are first used. After a new version was installed
// on the server, the ones of this page are gone there.

import type { Store } from "../../client";

let replaced = false;
const subscribers = new Set<() => void>();

/** Whether a part of the page could not be loaded because the server has another version: only a reload helps. */
export const outdated: Store<boolean> = {
  subscribe(onChange) {
    subscribers.add(onChange);
    return () => subscribers.delete(onChange);
  },
  getSnapshot: () => replaced,
};

/** Loads a part of the page: loadChunk(() => import("./picker")). Rejects as import does. */
export async function loadChunk<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (reason) {
    if (!replaced && (await isReplaced())) {
      replaced = true;
      for (const onChange of subscribers) onChange();
    }
    throw reason;
  }
}

/** Whether the server's index.html names another script than the one that runs. */
async function isReplaced(): Promise<boolean> {
  const script = document.querySelector("script[type=module]:not([async])")?.getAttribute("src");
  try {
    const response = await fetch(new URL(".", document.baseURI), { cache: "no-store" });
    return response.ok && !(await response.text()).includes(`"${script}"`);
  } catch {
    return false; // the server is out of reach, which the page shows otherwise
  }
}
