import assert from "node:assert/strict";
import { test } from "node:test";
import { loadChunk, outdated } from "./load-chunk";

const index = (script: string) => `<base href="./"><script type="module" src="${script}"></script>`;
const gone = new TypeError("Failed to fetch dynamically imported module");

/** Runs as a page with a script, at a server with an index.html; null for none that answers. */
function serve(html: string | null): string[] {
  const asked: string[] = [];
  Object.assign(globalThis, {
    document: {
      baseURI: "https://example.com/chat/",
      querySelector: () => ({ getAttribute: () => "assets/app-1.js" }),
    },
    async fetch(url: URL) {
      asked.push(url.href);
      if (html === null) throw new TypeError("Failed to fetch");
      return new Response(html);
    },
  });
  return asked;
}

test("a part that can't be loaded makes a page outdated if the server has another one", async () => {
  let changes = 0;
  outdated.subscribe(() => changes++);
  const asked = serve(index("assets/app-1.js"));
  assert.equal(await loadChunk(async () => 7), 7);
  assert.deepEqual(asked, [], "nothing is asked while parts load");

  for (const html of [null, index("assets/app-1.js")]) {
    serve(html);
    await assert.rejects(
      loadChunk(() => Promise.reject(gone)),
      gone,
    );
    assert.equal(outdated.getSnapshot(), false, String(html));
  }

  assert.deepEqual(serve(index("assets/app-2.js")), []);
  await assert.rejects(
    loadChunk(() => Promise.reject(gone)),
    gone,
  );
  assert.deepEqual([outdated.getSnapshot(), changes], [true, 1]);
});
