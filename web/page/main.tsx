// The entry point: connects the client, the storage and the views, and shows the
// room that the address names.

import { render } from "preact";
import { type Cursor, createListRooms, createRoomService, isOpen, RoomDirectory, unreadElsewhere } from "../client";
import { dispatchBrowserHints, drawOncePerFrame, fitAboveKeyboard } from "./browser-events";
import { RoomSession } from "./room-session";
import { fetchIdentity, isSignedIn, loadProviderName, startSignIn } from "./sign-in";
import { roomFromAddress } from "./state/address";
import { unreadBadge } from "./state/labels";
import * as storage from "./storage/storage";
import { InvalidRoom, Page } from "./view/page";

const root = document.getElementById("app") as HTMLElement;

/** The room on screen: null for an address without a valid name, undefined before the first. */
let current: string | null | undefined;
let session: RoomSession | null = null;
let leave = () => {};
let redraw = () => {};

/** Where to sign in with an account: empty for nowhere. */
let providerName = "";
let signInProblem = "";

const directory = new RoomDirectory({
  list: createListRooms(location.origin),
  token: () => storage.loadIdentity()?.token ?? "",
  readCursors: storage.loadReadCursors,
  connected: () => session !== null && isOpen(session.state.connection),
  onChange: () => redraw(),
  random: Math.random,
});

/** Shows the room that the address names. */
function showAddress(): void {
  const room = roomFromAddress(location);
  if (room === current) return;
  leave();
  current = room;
  if (room) {
    enter(room);
    return;
  }
  document.title = "chatroom";
  render(<InvalidRoom />, root);
}

/** Goes to a room, as a link would. */
function openRoom(room: string): void {
  if (room === current) return;
  history.pushState(null, "", `${location.pathname}?room=${room}`);
  showAddress();
}

function enter(room: string): void {
  const left = new AbortController();
  const service = createRoomService(location.origin, room);
  let readSequence = -1n;

  const markRead = (cursor: Cursor) => {
    storage.storeReadCursor(room, cursor);
    directory.markRead(room, cursor.sequence);
  };
  const draw = () => {
    const { state, dispatch } = entered;
    const { viewport, cursor, connection, unread, profile, auth } = state;
    const isAtEnd = connection.caughtUpOnce && viewport.visible && viewport.atEnd;
    if (isAtEnd && cursor && cursor.sequence !== readSequence) {
      readSequence = cursor.sequence;
      markRead(cursor);
    }
    const badge = unreadBadge(unread + unreadElsewhere(directory.state.rooms, room));
    document.title = `${badge && `(${badge}) `}${profile.displayName || `#${room}`} · chatroom`;
    render(
      <Page
        state={state}
        dispatch={dispatch}
        directory={directory.state}
        provider={providerName ? { name: providerName, problem: signInProblem, onSignIn: () => signIn(room) } : null}
        newId={newId}
        onRoom={openRoom}
        onMoreRooms={loadMoreRooms}
        onSaveProfile={(changed) => service.setProfile(auth.identity?.token ?? "", changed)}
      />,
      root,
    );
  };

  redraw = drawOncePerFrame(draw, left.signal);
  const entered = new RoomSession(room, { service, directory, storage, newId, onChange: redraw, onRead: markRead });
  session = entered;
  leave = () => {
    left.abort();
    session = null;
    leave = () => {};
    entered.close();
  };
  dispatchBrowserHints(entered.dispatch, left.signal);
  entered.dispatch({ type: "start" });
}

/** Leaves for the provider. */
function signIn(room: string): void {
  startSignIn(room, storage.loadIdentity()?.token ?? "").catch(showSignInProblem);
}

function showSignInProblem(reason: unknown): void {
  signInProblem = reason instanceof Error ? reason.message : String(reason);
  redraw();
}

/** Shows the page. After signing in, the token is fetched first: that of the guest is about to end. */
async function start(): Promise<void> {
  void loadProviderName().then((name) => {
    providerName = name;
    redraw();
  });
  if (isSignedIn(location)) await fetchIdentity().then(storage.storeIdentity, showSignInProblem);
  window.addEventListener("hashchange", showAddress);
  window.addEventListener("popstate", showAddress);
  window.addEventListener("pagehide", suspend);
  window.addEventListener("pageshow", showAddress);
  window.addEventListener("storage", onStorage);
  fitAboveKeyboard();
  showAddress();
}

function loadMoreRooms(): void {
  void directory.loadMore();
}

/** Leaves the room when the page is left. The browser may keep the page, and show it again. */
function suspend(): void {
  leave();
  current = undefined;
}

/** Another tab has signed in or out, or has read a room. */
function onStorage({ key, newValue }: StorageEvent): void {
  if (key === storage.identityKey) {
    // Tabs that sign in at the same time agree on what is stored by now.
    const identity = storage.loadIdentity();
    session?.dispatch(identity ? { type: "identityShared", identity } : { type: "signedOutElsewhere" });
  }
  const [room, cursor] = (key === storage.readCursorsKey && storage.latestReadCursor(newValue)) || [];
  if (room && cursor) directory.markRead(room, cursor.sequence);
}

/** Returns 128 random bits. crypto.randomUUID exists over https only. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

void start();
