// The words that are not sent yet, of each room: a message, a reply or an edit. They
// outlive the page, and all tabs of the browser have the same ones.

import { storageKey } from "./storage-key";

/** A message that a draft refers to. */
export interface DraftTarget {
  /** The log that the sequence is a position in. */
  readonly epoch: string;
  readonly sequence: bigint;
}

/** The message that a reply answers, and how the banner above the field shows it. */
export interface ReplyDraft extends DraftTarget {
  readonly name: string;
  readonly text: string;
}

/** The new text of a message that is being edited. */
export interface EditDraft extends DraftTarget {
  readonly text: string;
}

export interface Draft {
  readonly text: string;
  readonly reply: ReplyDraft | null;
  readonly edit: EditDraft | null;
}

/** The part of localStorage that drafts need. */
export type DraftStorage = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** How many rooms have a draft at most. The one that was changed first is dropped. */
export const maxDrafts = 50;
/** The largest draft that is stored, in UTF-16 units: what is pasted may be a megabyte. */
export const maxStoredLength = 60_000;
/** How long a change waits to be stored with those that follow, in milliseconds. */
const storeAfter = 300;

const keyPrefix = `${storageKey("chatroom.draft")}.`;
const noDraft: Draft = { text: "", reply: null, edit: null };

interface Kept {
  readonly draft: Draft;
  /** When it was changed, by the device's clock: the order of dropping. */
  readonly time: number;
  /** Whether it is stored as it is. */
  readonly stored: boolean;
  /** Whether the last change was made here, and not in another tab. */
  readonly own: boolean;
}

/**
 * The drafts of all rooms. A change is stored after a moment; flush stores it at once.
 * What another tab stores replaces a draft that has not changed here since it was stored.
 */
export class Drafts {
  readonly #storage: DraftStorage | null;
  readonly #now: () => number;
  readonly #drafts = new Map<string, Kept>();
  readonly #subscribers = new Set<(room: string) => void>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** The room whose field has the focus: other tabs do not replace what was typed in it. */
  #typedIn = "";

  /** Without a storage, drafts last as long as the page. */
  constructor(storage: DraftStorage | null, now: () => number = Date.now) {
    this.#storage = storage;
    this.#now = now;
    for (const key of keysOf(storage)) {
      const kept = parse(read(storage, key));
      if (kept) this.#drafts.set(key.slice(keyPrefix.length), kept);
    }
  }

  get(room: string): Draft {
    return this.#drafts.get(room)?.draft ?? noDraft;
  }

  /** Changes parts of the draft of a room. */
  change(room: string, change: Partial<Draft>): void {
    const before = this.get(room);
    const draft = { ...before, ...change };
    if (draft.text === before.text && draft.reply === before.reply && draft.edit === before.edit) return;
    this.#drafts.delete(room); // the newest one is the last
    this.#drafts.set(room, { draft, time: this.#now(), stored: false, own: true });
    this.#timer ??= setTimeout(() => this.flush(), storeAfter);
    // An empty draft was sent or given up: other tabs must not send it as well.
    if (isEmpty(draft)) this.flush();
    this.#notify(room);
  }

  /** The field of a room has the focus, or none has: "". */
  typing(room: string): void {
    this.#typedIn = room;
  }

  /** The rooms with unsent words, for a mark in the list of rooms. */
  rooms(): ReadonlySet<string> {
    return new Set([...this.#drafts].filter(([, { draft }]) => hasWords(draft)).map(([room]) => room));
  }

  /** Calls back with the room of each draft that changes, here or in another tab. */
  subscribe(onChange: (room: string) => void): () => void {
    this.#subscribers.add(onChange);
    return () => this.#subscribers.delete(onChange);
  }

  /** Stores what has changed. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#dropOldest();
    for (const [room, kept] of [...this.#drafts]) if (!kept.stored) this.#store(room, kept);
  }

  /** Whether words are lost with the page: they are too many to store, or the storage is full or disabled. */
  hasUnstored(): boolean {
    return [...this.#drafts.values()].some(({ draft, stored }) => !stored && hasWords(draft));
  }

  /** Another tab has stored or removed something. */
  storageChanged(key: string | null, value: string | null): void {
    if (key === null) return; // everything was removed, as by the user: what is on screen stays
    if (!key.startsWith(keyPrefix)) return;
    const room = key.slice(keyPrefix.length);
    const kept = this.#drafts.get(room);
    const isTyped = room === this.#typedIn && kept?.own === true && hasWords(kept.draft);
    if (kept?.stored === false || (isTyped && value !== null)) return;
    const changed = parse(value);
    if (changed) this.#drafts.set(room, changed);
    else this.#drafts.delete(room);
    this.#notify(room);
  }

  /** Forgets everything: the user has signed out. */
  clear(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const rooms = [...this.#drafts.keys()];
    this.#drafts.clear();
    for (const key of keysOf(this.#storage)) attempt(() => this.#storage?.removeItem(key));
    for (const room of rooms) this.#notify(room);
  }

  #store(room: string, kept: Kept): void {
    const { draft, time } = kept;
    if (isEmpty(draft)) {
      attempt(() => this.#storage?.removeItem(keyPrefix + room));
      this.#drafts.delete(room);
      return;
    }
    const stored = attempt(() => {
      if (!this.#storage || lengthOf(draft) > maxStoredLength) throw new Error("the draft cannot be stored");
      this.#storage.setItem(keyPrefix + room, JSON.stringify({ ...draft, time }, encode));
    });
    this.#drafts.set(room, { ...kept, stored });
  }

  #dropOldest(): void {
    const oldest = [...this.#drafts].sort(([, a], [, b]) => a.time - b.time);
    for (const [room] of oldest.slice(0, Math.max(0, oldest.length - maxDrafts))) {
      this.#drafts.delete(room);
      attempt(() => this.#storage?.removeItem(keyPrefix + room));
      this.#notify(room);
    }
  }

  #notify(room: string): void {
    for (const onChange of [...this.#subscribers]) onChange(room);
  }
}

/** Whether a draft has words that the user would miss. */
function hasWords({ text, edit }: Draft): boolean {
  return text.trim() !== "" || edit !== null;
}

function isEmpty({ text, reply, edit }: Draft): boolean {
  return text === "" && reply === null && edit === null;
}

function lengthOf({ text, edit }: Draft): number {
  return text.length + (edit?.text.length ?? 0);
}

function keysOf(storage: DraftStorage | null): string[] {
  const keys: string[] = [];
  attempt(() => {
    for (let i = 0; storage && i < storage.length; i++) keys.push(storage.key(i) ?? "");
  });
  return keys.filter((key) => key.startsWith(keyPrefix));
}

/** JSON has no 64-bit integers. */
function encode(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? `${value}` : value;
}

function parse(value: string | null): Kept | null {
  let stored: Record<string, unknown> | null = null;
  attempt(() => {
    stored = JSON.parse(value ?? "null");
  });
  const { text, time, reply, edit } = (stored ?? {}) as Record<string, unknown>;
  if (typeof text !== "string" || typeof time !== "number") return null;
  const draft = { text, reply: targetOf<ReplyDraft>(reply), edit: targetOf<EditDraft>(edit) };
  return isEmpty(draft) ? null : { draft, time, stored: true, own: false };
}

function targetOf<T extends DraftTarget & { readonly text: string }>(value: unknown): T | null {
  const { epoch, sequence, text, name = "" } = (value ?? {}) as Record<string, unknown>;
  if (typeof epoch !== "string" || typeof text !== "string" || typeof name !== "string") return null;
  if (typeof sequence !== "string" || !/^\d{1,19}$/.test(sequence)) return null;
  return { ...(value as T), sequence: BigInt(sequence) };
}

function read(storage: DraftStorage | null, key: string): string | null {
  let value: string | null = null;
  attempt(() => {
    value = storage?.getItem(key) ?? null;
  });
  return value;
}

/** Returns whether it worked: the storage may be full or disabled. */
function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
