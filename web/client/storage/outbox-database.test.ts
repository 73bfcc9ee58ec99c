import assert from "node:assert/strict";
import { test } from "node:test";
import { newEntry } from "../hub/outbox-entry";
import { message } from "../testing/session-harness";
import { OutboxDatabase } from "./outbox-database";

interface Row {
  readonly key: number;
  readonly id: string;
}

/** Does what the outbox needs of IndexedDB: requests are answered in order, each in a task of its own. */
class FakeIndexedDB {
  readonly rows = new Map<number, Row>();
  transactions = 0;
  #next = 1;

  open() {
    const result = { transaction: () => this.#transaction() };
    return this.#request({ onupgradeneeded: null, result }, () => result);
  }

  #request<R extends object>(request: R, answer: () => unknown, answered = () => {}): R {
    setImmediate(() => {
      Object.assign(request, { result: answer() });
      (request as { onsuccess?: () => void }).onsuccess?.();
      answered();
    });
    return request;
  }

  #transaction() {
    this.transactions++;
    let open = 0;
    const transaction: { oncomplete?: () => void; objectStore?: () => unknown } = {};
    const request = (answer: () => unknown) => {
      open++;
      return this.#request({}, answer, () => {
        if (--open === 0) transaction.oncomplete?.();
      });
    };
    const { rows } = this;
    transaction.objectStore = () => ({
      count: () => request(() => rows.size),
      getAll: () => request(() => [...rows.values()].sort((a, b) => a.key - b.key)),
      index: () => ({ getKey: (id: string) => request(() => [...rows.values()].find((r) => r.id === id)?.key) }),
      delete: (key: number) => request(() => rows.delete(key)),
      put: (row: Row) =>
        request(() => {
          const key = row.key ?? this.#next++;
          const isTaken = [...rows.values()].some((r) => r.id === row.id && r.key !== key);
          assert.ok(!isTaken, `there are two rows of ${row.id}`);
          rows.set(key, { ...row, key });
        }),
    });
    return transaction;
  }
}

const entry = (id: string, text = id) => newEntry(id, "lobby", message(text), 1);

test("writes that come together are one transaction, and keep the order of adding", async () => {
  const fake = new FakeIndexedDB();
  Object.assign(globalThis, { indexedDB: fake });
  const outbox = new OutboxDatabase("test");
  for (const id of ["a", "b", "c", "d"]) outbox.put(entry(id));
  outbox.put(entry("b", "changed"));
  outbox.remove(["d"]);
  assert.deepEqual(
    (await outbox.load()).map((e) => [e.id, e.body]),
    [
      ["a", message("a")],
      ["b", message("changed")],
      ["c", message("c")],
    ],
  );
  assert.equal(fake.transactions, 2, "one that writes and one that reads");

  outbox.put(entry("b", "again"));
  outbox.remove(["a"]);
  outbox.put(entry("a", "moved"));
  outbox.put(entry("a", "moved twice"));
  assert.deepEqual(
    (await outbox.load()).map((e) => [e.id, e.body]),
    [
      ["b", message("again")],
      ["c", message("c")],
      ["a", message("moved twice")],
    ],
  );
});

test("an entry is unstored until it is written, and for ever without a database", async () => {
  Object.assign(globalThis, { indexedDB: new FakeIndexedDB() });
  const outbox = new OutboxDatabase("test");
  outbox.put(entry("a"));
  outbox.put(entry("b"));
  assert.deepEqual([...outbox.unstored], ["a", "b"]);
  await outbox.load();
  assert.deepEqual([...outbox.unstored], []);

  Object.assign(globalThis, { indexedDB: undefined });
  const memory = new OutboxDatabase("test");
  memory.put(entry("a"));
  memory.put(entry("b"));
  await memory.load();
  memory.remove(["b"]);
  assert.deepEqual([...memory.unstored], ["a"]);
});

test("an entry of an earlier version has its words as a failure", async () => {
  const fake = new FakeIndexedDB();
  Object.assign(globalThis, { indexedDB: fake });
  for (const [key, problem] of [
    [1, ""],
    [2, "No."],
  ] as const) {
    const { failure: _, ...rest } = entry(`${key}`);
    fake.rows.set(key, Object.assign({ key, id: `${key}` }, { entry: { ...rest, problem } }));
  }
  const loaded = await new OutboxDatabase("test").load();
  assert.deepEqual(loaded, [entry("1"), { ...entry("2"), failure: { code: "unknown", message: "No." } }]);
});
