import type { SendBody } from "../../client";

/** What the user does, or what a view observes. */
export type Act =
  /** The user submits a name. */
  | { readonly type: "signIn"; readonly name: string }
  | { readonly type: "signOut" }
  /** The user sends a message or a change to one. */
  | { readonly type: "send"; readonly body: SendBody }
  /** The user retries a failed send. */
  | { readonly type: "retry"; readonly id: string }
  /** The user gives up a failed send. */
  | { readonly type: "discard"; readonly id: string }
  /** The draft of a message has changed. */
  | { readonly type: "draftChanged"; readonly empty: boolean }
  | { readonly type: "loadEarlier" }
  | { readonly type: "loadLater" }
  | { readonly type: "loadNewest" }
  /** The user wants to see the message with a sequence, or, if it is none, the nearest one. */
  | { readonly type: "goTo"; readonly sequence: bigint; readonly nearest?: boolean }
  /** The message that the user wants to see is on screen. */
  | { readonly type: "targetReached" }
  /** The user completes mentions: the members are listed while the room is open. */
  | { readonly type: "mentionsWanted" }
  /** The list of members is shown or hidden. */
  | { readonly type: "membersShown"; readonly shown: boolean }
  /** The user wants a connection now. */
  | { readonly type: "reconnect" }
  | { readonly type: "viewportChanged"; readonly visible: boolean; readonly atEnd: boolean };

export type Dispatch = (act: Act) => void;
