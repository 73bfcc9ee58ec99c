import type { Identity } from "../model";
import { type Auth, initialAuth } from "./auth";
import { type Connection, disconnected } from "./connection";
import type { Lines } from "./lines";
import { type Outbox, unread } from "./outbox";

/**
 * What the leading tab knows for all tabs. The value is never changed, only replaced,
 * each part by the functions of its own module.
 */
export interface HubState {
  readonly auth: Auth;
  readonly connection: Connection;
  /** By room. */
  readonly lines: Lines;
  readonly outbox: Outbox;
}

/**
 * The state of a tab that begins to lead. provided: the application gives the tokens.
 * name: what a guest without an identity signs in with, empty for none.
 */
export function initialHub(identity: Identity | null, provided: boolean, name = ""): HubState {
  const auth = initialAuth(identity, provided);
  return {
    auth: auth.name === "" ? { ...auth, name } : auth,
    connection: disconnected,
    lines: new Map(),
    outbox: unread,
  };
}
