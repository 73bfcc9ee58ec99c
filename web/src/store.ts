// What is kept between visits: the identity for all tabs, and for each tab and
// room what was not sent yet. A browser that keeps nothing is fine too.

import type { Identity } from "./model";
import type { Outgoing } from "./turn";

/** The key of the identity; other tabs are told when it changes. */
export const identityKey = "chatroom.identity";

const outboxKey = (room: string) => `chatroom.outbox.${room}`;

export function loadIdentity(): Identity | null {
  const stored = parse(() => localStorage.getItem(identityKey)) as Partial<Identity> | null;
  const { token, member, expires } = stored ?? {};
  if (typeof token !== "string" || typeof expires !== "number") return null;
  if (typeof member?.id !== "string" || typeof member.name !== "string") return null;
  return { token, member: { id: member.id, name: member.name }, expires };
}

export function keepIdentity(identity: Identity): void {
  attempt(() => localStorage.setItem(identityKey, JSON.stringify(identity)));
}

/** What is loaded may be sent again: see restore in outbox.ts. */
export function loadOutbox(room: string): Outgoing[] {
  const stored = parse(() => sessionStorage.getItem(outboxKey(room)));
  if (!Array.isArray(stored)) return [];
  return stored.filter((o): o is Outgoing => typeof o?.id === "string" && typeof o.text === "string" && typeof o.since === "number");
}

export function keepOutbox(room: string, outbox: readonly Outgoing[]): void {
  const unsent = outbox.filter((o) => o.status !== "stored"); // and so has no bigint in it
  attempt(() => {
    if (unsent.length === 0) sessionStorage.removeItem(outboxKey(room));
    else sessionStorage.setItem(outboxKey(room), JSON.stringify(unsent));
  });
}

function parse(read: () => string | null): unknown {
  try {
    return JSON.parse(read() ?? "null");
  } catch {
    return null;
  }
}

function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // Storage is full or switched off: what was to be kept lives with the page.
  }
}
