// What tabs tell each other. Tabs may run different builds: a change to these messages,
// or to what they contain, needs another version in the name of the channel.

import type { Auth } from "../hub/auth";
import type { Connection } from "../hub/connection";
import type { News } from "../hub/effect";
import type { Request } from "../hub/input";
import type { OutboxEntry } from "../hub/outbox-entry";
import { localValues } from "../storage/stored-values";

const leaderKey = "chatroom.leader ";

/** The version of the messages. */
export const protocolVersion = 6;

/** What all tabs share. */
export interface Shared {
  readonly auth: Auth;
  readonly connection: Connection;
  /** The outbox of all rooms. */
  readonly entries: readonly OutboxEntry[];
}

export type TabMessage =
  /** A tab asks who leads. */
  | { readonly type: "who"; readonly from: string }
  /** A tab wants to lead. Only where there are no locks. */
  | { readonly type: "claim"; readonly from: string; readonly term: number }
  /** A tab leads. A new leader has a greater term than the ones before it. */
  | { readonly type: "leads"; readonly from: string; readonly term: number; readonly isNew: boolean }
  /** The leader leaves. */
  | { readonly type: "resigns"; readonly from: string; readonly term: number }
  /** What a tab asks of the leader; null to see whether it answers. Each is answered by done. */
  | {
      readonly type: "request";
      readonly from: string;
      readonly number: number;
      /** That of the newest leader that the tab has heard of: an older one does not answer. */
      readonly term: number;
      readonly request: Request | null;
    }
  | { readonly type: "done"; readonly to: string; readonly number: number }
  /** now: the leader's clock, which the times in the connection are of. */
  | { readonly type: "shared"; readonly term: number; readonly now: number; readonly shared: Shared }
  | { readonly type: "news"; readonly term: number; readonly news: News };

/** What connects the tabs. */
export type TabChannel = Pick<BroadcastChannel, "postMessage" | "close" | "onmessage">;

/** The parts of the browser that tabs need to share a connection. */
export interface TabBrowser {
  /** Null if the browser refuses it, as Firefox does where no site may store anything. */
  readonly channel: (name: string) => TabChannel | null;
  /** Undefined where there are no locks: over plain http to another machine. */
  readonly locks: Pick<LockManager, "request"> | undefined;
  readonly visible: () => boolean;
  /** What tabs leave for those to come: whether a tab leads. It is a hint, which is wrong after a crash. */
  readonly hasLeader: { readonly get: () => boolean; readonly set: (hasLeader: boolean) => void };
}

/** Returns the browser that this program runs in, for tabs of a name, or null if it is none that has tabs. */
export function currentBrowser(name: string): TabBrowser | null {
  if (typeof document === "undefined" || typeof BroadcastChannel !== "function") return null;
  return {
    channel: openChannel,
    locks: navigator.locks,
    visible: () => !document.hidden,
    hasLeader: {
      get: () => localValues.getItem(leaderKey + name) !== null,
      set: (hasLeader) =>
        hasLeader ? localValues.setItem(leaderKey + name, "") : localValues.removeItem(leaderKey + name),
    },
  };
}

function openChannel(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name);
  } catch {
    return null;
  }
}
