// The outbox in IndexedDB: it outlives the tab, and all tabs of the origin have the same
// one. Without IndexedDB it lasts as long as the page.

import type { OutboxEntry } from "../hub/outbox-entry";

const storeName = "outbox";
/** How long opening may take, in milliseconds: another tab with an old version may block it for ever. */
const openTimeout = 2_000;

interface Row {
  /** Assigned in the order of adding. */
  readonly key?: IDBValidKey;
  readonly id: string;
  readonly entry: OutboxEntry;
}

/** What becomes of the row of an id. */
interface Write {
  /** Null removes the row. */
  readonly entry: OutboxEntry | null;
  /** Whether the row goes to the end, after one that was removed. */
  readonly isAgain: boolean;
}

/**
 * The outbox of an origin. Its writes are carried out in the order of the calls. Those that
 * come while others are being written share one transaction, as each waits for the disk.
 * What is not written yet is lost if the process of the tab is killed.
 */
export class OutboxDatabase {
  readonly #name: string;
  /** What is added here, for when there is no database. */
  readonly #memory = new Map<string, OutboxEntry>();
  /** The ids of what was added here and is not in the database. */
  readonly #unstored = new Set<string>();
  #opened: Promise<IDBDatabase | null> | null = null;
  /** The writes that wait, by id. */
  #waiting = new Map<string, Write>();
  /** Ends when nothing waits; null if nothing is being written. */
  #writing: Promise<void> | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  /** The entries in the order in which they were added. */
  async load(): Promise<OutboxEntry[]> {
    await this.#writing;
    const rows = await this.#run<Row[]>("readonly", (store) => store.getAll());
    return rows
      ? rows
          .map((row) => row.entry)
          .filter(isOutboxEntry)
          .map(withFailure)
      : [...this.#memory.values()];
  }

  /** The ids of the entries that were added here and end with the page, because they could not be stored yet. */
  get unstored(): ReadonlySet<string> {
    return this.#unstored;
  }

  /** Adds an entry at the end, or replaces the one with the same id. */
  put(entry: OutboxEntry): void {
    this.#memory.set(entry.id, entry);
    this.#unstored.add(entry.id);
    const before = this.#waiting.get(entry.id);
    const isAgain = before !== undefined && (before.entry === null || before.isAgain);
    if (before?.entry === null) this.#waiting.delete(entry.id);
    this.#write(entry.id, { entry, isAgain });
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) {
      this.#memory.delete(id);
      this.#unstored.delete(id);
      this.#write(id, { entry: null, isAgain: false });
    }
  }

  #write(id: string, write: Write): void {
    this.#waiting.set(id, write);
    this.#writing ??= this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    await null; // those of one task are written together
    while (this.#waiting.size > 0) {
      const writes = [...this.#waiting];
      this.#waiting = new Map();
      if (await this.#transact(writes)) continue;
      for (const write of writes) await this.#transact([write]); // one may be too large
    }
    this.#writing = null;
  }

  /** Carries out writes of different ids. It returns whether they are stored. */
  async #transact(writes: readonly [string, Write][]): Promise<boolean> {
    const last = await this.#run<unknown>("readwrite", (store) => {
      let request: IDBRequest = store.count();
      for (const [id, write] of writes) request = carryOut(store, id, write);
      return request;
    });
    if (last === null) return false;
    for (const [id] of writes) if (!this.#waiting.has(id)) this.#unstored.delete(id);
    return true;
  }

  async #run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<T | null> {
    this.#opened ??= open(this.#name);
    const database = await this.#opened;
    if (!database) return null;
    return new Promise((resolve) => {
      try {
        const transaction = database.transaction(storeName, mode, { durability: "strict" });
        const request = act(transaction.objectStore(storeName));
        transaction.oncomplete = () => resolve(request.result as T);
        transaction.onabort = () => resolve(null); // the disk is full
      } catch {
        resolve(null); // the browser has closed the database, as when the user clears it
      }
    });
  }
}

function carryOut(store: IDBObjectStore, id: string, { entry, isAgain }: Write): IDBRequest {
  const found = store.index("id").getKey(id);
  found.onsuccess = () => {
    const key = found.result;
    if (key !== undefined && (isAgain || !entry)) store.delete(key);
    if (!entry) return;
    const row: Row = { id, entry };
    store.put(key === undefined || isAgain ? row : { ...row, key });
  };
  return found;
}

function open(name: string): Promise<IDBDatabase | null> {
  return new Promise((resolve) => {
    try {
      const request = indexedDB.open(name, 1);
      const timer = setTimeout(() => resolve(null), openTimeout);
      request.onupgradeneeded = () => {
        const store = request.result.createObjectStore(storeName, { keyPath: "key", autoIncrement: true });
        store.createIndex("id", "id", { unique: true });
      };
      request.onsuccess = () => {
        clearTimeout(timer);
        request.result.onversionchange = () => request.result.close();
        resolve(request.result);
      };
      request.onerror = () => {
        clearTimeout(timer);
        resolve(null);
      };
    } catch {
      resolve(null); // there is no IndexedDB, or it is forbidden
    }
  });
}

function isOutboxEntry(e: Partial<OutboxEntry> | null): e is OutboxEntry {
  return typeof e?.id === "string" && typeof e.room === "string" && typeof e.body?.kind === "string";
}

/** Earlier versions stored the words of a failure alone. */
function withFailure(entry: OutboxEntry & { readonly problem?: string }): OutboxEntry {
  const { problem = "", ...rest } = entry;
  const failure = problem === "" ? null : ({ code: "unknown", message: problem } as const);
  return entry.failure === undefined ? { ...rest, failure } : entry;
}
