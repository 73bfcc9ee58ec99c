import type { Failure } from "../failure";
import type { EventsPage, Frame, Identity, MembersPage, Receipt, SendBody, StreamEnd } from "../model";
import type { Timer } from "../state/effect";

/** What happens to a session: an act of the user, a hint of the browser, or the answer to an effect. */
export type Input =
  | { readonly type: "start" }
  | { readonly type: "frame"; readonly stream: number; readonly frame: Frame }
  | { readonly type: "ended"; readonly stream: number; readonly end: StreamEnd }
  | { readonly type: "timer"; readonly timer: Timer }
  /** The user submits a name. */
  | { readonly type: "signIn"; readonly name: string }
  | { readonly type: "signedIn"; readonly serial: number; readonly identity: Identity }
  | { readonly type: "signInFailed"; readonly serial: number; readonly failure: Failure }
  /** The user signs out. */
  | { readonly type: "signOut" }
  /** Another tab has signed out. */
  | { readonly type: "signedOutElsewhere" }
  /** Another tab has signed in. */
  | { readonly type: "identityShared"; readonly identity: Identity }
  /** The user sends a message or a change to one. */
  | { readonly type: "send"; readonly id: string; readonly body: SendBody }
  | { readonly type: "sent"; readonly id: string; readonly receipt: Receipt }
  | { readonly type: "sendFailed"; readonly id: string; readonly token: string; readonly failure: Failure }
  /** The user retries a failed send. */
  | { readonly type: "retry"; readonly id: string }
  /** The user gives up a failed send. */
  | { readonly type: "discard"; readonly id: string }
  /** The draft of a message has changed. */
  | { readonly type: "draftChanged"; readonly empty: boolean }
  | { readonly type: "loadEarlier" }
  /** The user wants to see the message with a sequence. */
  | { readonly type: "goTo"; readonly sequence: bigint }
  /** The message that the user wants to see is on screen. */
  | { readonly type: "targetReached" }
  | { readonly type: "pageLoaded"; readonly serial: number; readonly page: EventsPage }
  | { readonly type: "pageFailed"; readonly serial: number; readonly failure: Failure }
  /** page is null if loading failed. */
  | { readonly type: "quoteLoaded"; readonly serial: number; readonly page: EventsPage | null }
  /** The list of members is shown or hidden. */
  | { readonly type: "membersShown"; readonly shown: boolean }
  /** page is null if the request failed. */
  | { readonly type: "membersListed"; readonly serial: number; readonly page: MembersPage | null }
  /** The user wants a connection now. */
  | { readonly type: "reconnect" }
  /** The device or the page was asleep, or a visible tab asks for this tab's stream. */
  | { readonly type: "woke" }
  | { readonly type: "networkChanged"; readonly online: boolean }
  | { readonly type: "viewportChanged"; readonly visible: boolean; readonly atEnd: boolean };

export type Dispatch = (input: Input) => void;
