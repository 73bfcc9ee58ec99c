import assert from "node:assert/strict";
import { test } from "node:test";
import { type DraftStorage, Drafts, maxDrafts, maxStoredLength } from "./drafts";

/** A storage of an origin, and its tabs. */
class Browser {
  readonly values = new Map<string, string>();
  readonly tabs: { readonly drafts: Drafts; readonly storage: DraftStorage }[] = [];
  full = false;
  #time = 0;

  open(): Drafts {
    const { values } = this;
    const tell = (from: DraftStorage, key: string, value: string | null) => {
      for (const { drafts, storage } of this.tabs) if (storage !== from) drafts.storageChanged(key, value);
    };
    const storage: DraftStorage = {
      get length() {
        return values.size;
      },
      key: (i) => [...values.keys()][i] ?? null,
      getItem: (key) => values.get(key) ?? null,
      setItem: (key, value) => {
        if (this.full) throw new Error("QuotaExceededError");
        values.set(key, value);
        tell(storage, key, value);
      },
      removeItem: (key) => {
        if (values.delete(key)) tell(storage, key, null);
      },
    };
    const drafts = new Drafts(storage, () => ++this.#time);
    this.tabs.push({ drafts, storage });
    return drafts;
  }
}

const target = { epoch: "e", sequence: 7n };

test("a draft outlives the page, with its reply and edit", () => {
  const browser = new Browser();
  const drafts = browser.open();
  const draft = {
    text: "7n words",
    reply: { ...target, name: "Ada", text: "quoted" },
    edit: { epoch: "e", sequence: 2n ** 63n - 1n, text: "new" },
  };
  drafts.change("team", draft);
  assert.equal(drafts.hasUnstored(), true, "before it is stored");
  drafts.flush();
  assert.equal(drafts.hasUnstored(), false);
  const next = browser.open();
  assert.deepEqual(next.get("team"), draft);
  assert.deepEqual([...next.rooms()], ["team"]);

  next.change("team", { text: "", reply: null, edit: null });
  assert.deepEqual([...browser.values], [], "what was sent is removed at once");
  assert.deepEqual(drafts.get("team").text, "", "in the other tab as well");
});

test("what does not look like a draft is ignored", () => {
  const browser = new Browser();
  browser.values.set("chatroom.draft.a", "{");
  browser.values.set("chatroom.draft.b", `{"text": 1}`);
  browser.values.set("chatroom.draft.c", `{"text": "words", "time": 1, "reply": {"sequence": "x"}, "edit": 3}`);
  browser.values.set("other", "chatroom");
  const drafts = browser.open();
  assert.deepEqual([...drafts.rooms()], ["c"]);
  assert.deepEqual(drafts.get("c"), { text: "words", reply: null, edit: null });
});

test("a tab shows what another one stores, unless it has words of its own", () => {
  const browser = new Browser();
  const [a, b] = [browser.open(), browser.open()];
  const changed: string[] = [];
  b.subscribe((room) => changed.push(room));
  a.change("team", { text: "hello" });
  a.flush();
  assert.equal(b.get("team").text, "hello");
  assert.deepEqual(changed, ["team"]);

  b.change("team", { text: "hello from b" });
  a.change("team", { text: "hello from a" });
  a.flush();
  assert.equal(b.get("team").text, "hello from b", "it is not stored yet");
  b.flush();
  assert.equal(a.get("team").text, "hello from b");

  a.typing("team");
  b.change("team", { text: "more from b" });
  b.flush();
  assert.equal(a.get("team").text, "more from b", "nothing was typed in a since");
  a.change("team", { text: "typed in a" });
  a.flush();
  b.change("team", { text: "while a types" });
  b.flush();
  assert.equal(a.get("team").text, "typed in a");
  a.typing("");
  b.change("team", { text: "" });
  assert.equal(a.get("team").text, "", "it was sent in the other tab");
});

test("a draft that cannot be stored is known", () => {
  const browser = new Browser();
  const drafts = browser.open();
  drafts.change("team", { text: "x".repeat(maxStoredLength + 1) });
  drafts.flush();
  assert.equal(drafts.hasUnstored(), true);
  drafts.change("team", { text: "short" });
  drafts.flush();
  assert.equal(drafts.hasUnstored(), false);
  browser.full = true;
  drafts.change("team", { text: "shorter" });
  drafts.flush();
  assert.equal(drafts.hasUnstored(), true);
  drafts.change("team", { text: " " });
  drafts.flush();
  assert.equal(drafts.hasUnstored(), false, "white space alone is no loss");
  const memory = new Drafts(null);
  memory.change("team", { text: "words" });
  memory.flush();
  assert.equal(memory.hasUnstored(), true);
  assert.equal(memory.get("team").text, "words");
});

test("the number of drafts is bounded, and signing out forgets all", () => {
  const browser = new Browser();
  const drafts = browser.open();
  for (let i = 0; i < maxDrafts + 10; i++) drafts.change(`room-${i}`, { text: `${i}` });
  drafts.flush();
  assert.equal(drafts.rooms().size, maxDrafts);
  assert.equal(browser.values.size, maxDrafts);
  assert.equal(drafts.get("room-9").text, "");
  assert.equal(drafts.get("room-10").text, "10");
  drafts.clear();
  assert.equal(drafts.rooms().size, 0);
  assert.equal(browser.values.size, 0);
});
