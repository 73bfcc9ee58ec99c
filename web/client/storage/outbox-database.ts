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

/** The outbox of an origin. Its writes are carried out in the order of the calls. */
export class OutboxDatabase {
  readonly #name: string;
  /** What is added here, for when there is no database. */
  readonly #memory = new Map<string, OutboxEntry>();
  #opened: Promise<IDBDatabase | null> | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  /** The entries in the order in which they were added. */
  async load(): Promise<OutboxEntry[]> {
    const rows = await this.#run<Row[]>("readonly", (store) => store.getAll());
    return rows ? rows.map((row) => row.entry).filter(isOutboxEntry) : [...this.#memory.values()];
  }

  /** Adds an entry at the end, or replaces the one with the same id. */
  put(entry: OutboxEntry): void {
    this.#memory.set(entry.id, entry);
    void this.#run("readwrite", (store) => {
      const found = store.index("id").getKey(entry.id);
      found.onsuccess = () => {
        const row: Row = { id: entry.id, entry };
        store.put(found.result === undefined ? row : { ...row, key: found.result });
      };
      return found;
    });
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) {
      this.#memory.delete(id);
      void this.#run("readwrite", (store) => {
        const found = store.index("id").getKey(id);
        found.onsuccess = () => {
          if (found.result !== undefined) store.delete(found.result);
        };
        return found;
      });
    }
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
