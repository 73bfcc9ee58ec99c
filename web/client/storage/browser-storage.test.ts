import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { browserStorage, storageScope } from "./browser-storage";

class Storage {
  getItem(key: string): string | null {
    return (this as unknown as Record<string, string>)[key] ?? null;
  }
  setItem(key: string, value: string): void {
    (this as unknown as Record<string, string>)[key] = value;
  }
  removeItem(key: string): void {
    delete (this as unknown as Record<string, string>)[key];
  }
}

beforeEach(() => Object.assign(globalThis, { localStorage: new Storage(), sessionStorage: new Storage() }));

test("services at different paths of an origin share nothing", () => {
  const page = { origin: "https://example.com", href: "https://example.com/chat/r/team" };
  const cases: [string, string][] = [
    ["https://example.com", ""],
    ["https://example.com/", ""],
    ["", ""],
    ["https://example.com/chat", " /chat"],
    ["https://example.com/chat/", " /chat"],
    ["/chat", " /chat"],
    ["https://example.com/chat/two", " /chat/two"],
    ["https://other.example", " https://other.example"],
    ["https://other.example/chat", " https://other.example/chat"],
  ];
  for (const [baseUrl, want] of cases) assert.equal(storageScope(baseUrl, page), want, baseUrl);
  const [root, chat] = [browserStorage(""), browserStorage(" /chat")];
  const identity = { token: "t", member: { id: "m", name: "Ada" }, expires: 1 };
  chat.storeIdentity(identity);
  chat.storeReadCursor("lobby", { epoch: "e", sequence: 7n });
  assert.deepEqual([root.loadIdentity(), root.loadReadCursors().size], [null, 0]);
  assert.deepEqual(chat.loadIdentity(), identity);
});

test("an identity is kept, and malformed ones are ignored", () => {
  const storage = browserStorage("");
  const identity = { token: "t", member: { id: "ada", name: "Ada" }, expires: 5 };
  storage.storeIdentity(identity);
  assert.deepEqual(storage.loadIdentity(), identity);
  assert.equal(browserStorage(" https://other.example.com").loadIdentity(), null, "another service has another one");
  storage.forgetIdentity();
  assert.equal(storage.loadIdentity(), null);
  localStorage.setItem("chatroom.identity", '{"token":7}');
  assert.equal(storage.loadIdentity(), null);
});

test("the identity of an account is restored with what it was before", () => {
  const storage = browserStorage("");
  const guest = { token: "t", member: { id: "g", name: "Ada" }, expires: 7 };
  const account = { ...guest, account: { formerIds: ["a", "b"] } };
  for (const identity of [guest, account, { ...guest, account: { formerIds: [] } }]) {
    storage.storeIdentity(identity);
    assert.deepEqual(storage.loadIdentity(), identity);
  }
  localStorage.setItem("chatroom.identity", JSON.stringify({ ...guest, account: { formerIds: ["a", 7, null] } }));
  assert.deepEqual(storage.loadIdentity(), { ...guest, account: { formerIds: ["a"] } });
  localStorage.setItem("chatroom.identity", JSON.stringify({ ...guest, account: "x" }));
  assert.deepEqual(storage.loadIdentity(), guest);
});

test("malformed read cursors are ignored", () => {
  localStorage.setItem("chatroom.seen", '[["a",{"epoch":"e"}],3,null]');
  assert.deepEqual(browserStorage("").loadReadCursors(), new Map());
});

test("read cursors are kept for the most recently read rooms", () => {
  const storage = browserStorage("");
  for (let i = 0; i < 120; i++) storage.storeReadCursor(`room-${i}`, { epoch: "e", sequence: BigInt(i) });
  storage.storeReadCursor("room-30", { epoch: "e", sequence: 500n });
  const seen = storage.loadReadCursors();
  assert.equal(seen.size, 100);
  assert.deepEqual([...seen].at(-1), ["room-30", { epoch: "e", sequence: 500n }]);
  assert.equal(seen.has("room-5"), false);
});

test("a read cursor never goes back within an epoch", () => {
  const storage = browserStorage("");
  const keep = (epoch: string, sequence: bigint) => {
    storage.storeReadCursor("a", { epoch, sequence });
    return storage.loadReadCursors().get("a");
  };
  keep("e", 5n);
  assert.deepEqual(keep("e", 4n), { epoch: "e", sequence: 5n });
  assert.deepEqual(keep("f", 1n), { epoch: "f", sequence: 1n });
});

test("a room that was left has no read cursor, and other tabs are told", () => {
  const cursor = { epoch: "e", sequence: 3n };
  let onStorage: (event: Partial<StorageEvent>) => void = () => {};
  const window = { addEventListener: (_: string, f: typeof onStorage) => (onStorage = f), removeEventListener() {} };
  Object.assign(globalThis, { window });
  const storage = browserStorage("");
  const told: unknown[] = [];
  storage.watch((change) => told.push(change));
  for (const room of ["a", "b"]) storage.storeReadCursor(room, cursor);
  const key = "chatroom.seen";
  const oldValue = localStorage.getItem(key);
  onStorage({ key, oldValue: null, newValue: oldValue });
  storage.forgetReadCursor("a");
  storage.forgetReadCursor("a");
  assert.deepEqual([...storage.loadReadCursors()], [["b", cursor]]);
  onStorage({ key, oldValue, newValue: localStorage.getItem(key) });
  assert.deepEqual(told, [
    { kind: "read", room: "b", cursor },
    { kind: "left", room: "a" },
  ]);
});

test("where nothing can be stored, the identity and read cursors last as long as the program", () => {
  const denied = () => {
    throw new DOMException("denied", "SecurityError");
  };
  Object.defineProperty(globalThis, "localStorage", { get: denied, set: denied, configurable: true });
  try {
    const storage = browserStorage(" denied");
    const identity = { token: "t", member: { id: "ada", name: "Ada" }, expires: 5 };
    const cursor = { epoch: "e", sequence: 3n };
    storage.storeIdentity(identity);
    storage.storeReadCursor("a", cursor);
    assert.deepEqual(storage.loadIdentity(), identity);
    assert.deepEqual([...storage.loadReadCursors()], [["a", cursor]]);
    storage.forgetIdentity();
    storage.forgetReadCursor("a");
    assert.deepEqual([storage.loadIdentity(), storage.loadReadCursors().size], [null, 0]);
  } finally {
    Object.defineProperty(globalThis, "localStorage", { value: new Storage(), writable: true, configurable: true });
  }
});
