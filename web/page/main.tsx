// The entry point: connects the client and the views, and shows the room that the
// address names.

import { render } from "preact";
import { ChatError, failureOf, ownReasons, type Room, unreadElsewhere } from "../client";
import type { Moderation } from "../client/moderation";
import { drawOncePerFrame, fitAboveKeyboard } from "./browser-events";
import { base, chat, endEarlyJoin } from "./connection";
import { keepDrafts } from "./keep-drafts";
import { keepFocus } from "./keep-focus";
import { mentionCount } from "./notice/notice";
import { Notices } from "./notice/notices";
import { Tab } from "./notice/tab-badge";
import { applySettings, followSettings, settings } from "./settings/store";
import { isSignedIn, loadProviderName } from "./sign-in";
import type { Act } from "./state/act";
import { parseAddress, roomLink, roomPath } from "./state/address";
import { connectionReport } from "./state/connection-report";
import { unreadBadge } from "./state/labels";
import { roomTitle } from "./state/room-title";
import { loadChunk, outdated } from "./update/load-chunk";
import { failureText } from "./view/controls/failure-text";
import { prepareTimes } from "./view/controls/time";
import type { RoomActions } from "./view/rooms/room-actions";
import { OutdatedNotice } from "./view/shell/outdated-notice";
import { Page } from "./view/shell/page";
import { InvalidRoom } from "./view/shell/placeholders";
import { OpenMessageContext } from "./view/text/text-context";

const root = document.getElementById("app") as HTMLElement;
const drafts = keepDrafts(() => chat.hasUnstored());

/** The room on screen: null for an address without a valid name, undefined before the first. */
let current: string | null | undefined;
/** The message that the address names, 0 for none, and whether it is still to be found. */
let named = 0n;
let isNamedWanted = false;
let leave = () => {};
let redraw = () => {};

const tab = new Tab();
const notices = new Notices({
  chat,
  attention: () => ({
    room: current ?? null,
    looking: document.hasFocus() && !!current && chat.room(current).getSnapshot().viewport.atEnd,
  }),
  onMentions: () => redraw(),
  open: openMessage,
});

/** How long after the first drawing the browser is to keep the page, in milliseconds: it would slow down the first messages. */
const keepAfter = 1_500;

/** Where to sign in with an account: empty for nowhere. */
let providerName = "";
let signInProblem = "";

/** Shows the room and the message that the address names. */
function showAddress(): void {
  const { room, sequence, current: isCurrentForm } = parseAddress(location.href, base);
  if (room && !isCurrentForm) history.replaceState(history.state, "", roomPath(room));
  named = sequence;
  isNamedWanted = sequence > 0n;
  if (room === current) return redraw();
  leave();
  current = room;
  if (room) {
    enter(chat.room(room));
    return;
  }
  redraw = () => render(<InvalidRoom />, root);
  tab.show({ title: "", unread: "", mentions: 0 });
  delete document.documentElement.dataset.connection;
  redraw();
}

/** Goes to a room, as a link would. */
function openRoom(room: string): void {
  if (room === current) return;
  history.pushState(null, "", roomPath(room));
  showAddress();
}

/** Loads the calls of moderators, which few users need. */
async function loadModeration(): Promise<Moderation> {
  const { createModeration } = await import("../client/moderation");
  const token = () => chat.auth.getSnapshot().identity?.token ?? "";
  return createModeration({ baseUrl: base.replace(/\/$/, ""), token });
}

/** What the user does with rooms. */
const roomActions: RoomActions = {
  open: openRoom,
  create: async (name, profile) => void (await chat.createRoom(name, profile)),
  leave: (name) => chat.leave(name),
  markRead: (name) => chat.markRead(name),
  linkTo: (name) => roomLink(base, name),
};

/** Goes to a message, or to a room for the sequence 0, as a link would. */
function openMessage(room: string, sequence: bigint): void {
  history.pushState(null, "", roomPath(room, sequence));
  showAddress();
}

function enter(room: Room): void {
  const left = new AbortController();
  const performer = new Performer(room);
  let readSequence = -1n;

  const draw = () => {
    if (isNamedWanted && room.getSnapshot().feed.caughtUpOnce) {
      isNamedWanted = false;
      room.goTo(named);
    }
    const state = room.getSnapshot();
    const { viewport, cursor, feed, unread, profile } = state;
    const isAtEnd = feed.caughtUpOnce && viewport.visible && viewport.atEnd;
    if (isAtEnd && cursor && cursor.sequence !== readSequence) {
      readSequence = cursor.sequence;
      room.markRead();
    }
    const directory = chat.rooms.getSnapshot();
    tab.show({
      title: roomTitle(room.name, profile.displayName),
      unread: unreadBadge(unread + unreadElsewhere(directory.rooms, room.name)),
      mentions: mentionCount(notices.mentions),
    });
    render(
      <OpenMessageContext.Provider value={openMessage}>
        <Page
          state={state}
          named={named}
          dispatch={performer.perform}
          drafts={drafts}
          directory={directory}
          provider={
            providerName ? { name: providerName, problem: signInProblem, onSignIn: () => signIn(room.name) } : null
          }
          unsent={chat.unsent.getSnapshot()}
          rooms={roomActions}
          link={roomLink(base, room.name)}
          mentions={notices.mentions}
          onNoticeOffer={notices.isOffered && !document.hidden ? (accepted) => notices.answerOffer(accepted) : null}
          onMoreRooms={() => chat.loadMoreRooms()}
          onSaveProfile={(changed) => room.setProfile(changed)}
          onFindTime={(time) => room.findTime(time)}
          onListMembers={() => room.listMembers()}
          loadModeration={loadModeration}
        />
      </OpenMessageContext.Provider>,
      root,
    );
    document.documentElement.dataset.connection = connectionReport(state).kind;
  };

  redraw = drawOncePerFrame(draw, left.signal);
  const ends = [room.subscribe(redraw), chat.rooms.subscribe(redraw), chat.unsent.subscribe(redraw)];
  leave = () => {
    left.abort();
    leave = () => {};
    performer.close();
    room.viewport(false, false);
    for (const end of ends) end();
  };
  room.viewport(!document.hidden, false); // until the log has found its place
  redraw();
}

/** Carries out what the user does in a room. */
class Performer {
  readonly #room: Room;
  #hideMembers: (() => void) | null = null;
  /** Ends that the members are listed for mentions. */
  #endMentions: (() => void) | null = null;

  constructor(room: Room) {
    this.#room = room;
  }

  readonly perform = (act: Act): void => {
    const room = this.#room;
    switch (act.type) {
      case "signIn":
        return chat.signIn(act.name);
      case "signOut":
        drafts.clear();
        return chat.signOut();
      case "reconnect":
        return chat.reconnect();
      case "send":
        return void room.sendBody(act.body);
      case "retry":
        return room.retry(act.id);
      case "discard":
        return room.discard(act.id);
      case "draftChanged":
        return room.typing(!act.empty);
      case "loadEarlier":
        return room.loadOlder();
      case "loadLater":
        return room.loadNewer();
      case "loadNewest":
        return room.loadNewest();
      case "goTo":
        return room.goTo(act.sequence, { nearest: act.nearest ?? false });
      case "targetReached":
        return room.targetReached();
      case "viewportChanged":
        return room.viewport(act.visible, act.atEnd);
      case "mentionsWanted":
        this.#endMentions ??= room.members.subscribe(() => {});
        return;
      case "membersShown":
        this.#hide();
        if (act.shown) this.#hideMembers = room.members.subscribe(() => {});
    }
  };

  close(): void {
    this.#hide();
    this.#endMentions?.();
    this.#endMentions = null;
  }

  #hide(): void {
    this.#hideMembers?.();
    this.#hideMembers = null;
  }
}

/** Loads how to sign in with an account. */
function loadAccount(): Promise<typeof import("./account")> {
  return loadChunk(() => import("./account")).catch((reason) => {
    throw new ChatError({ code: "unavailable", message: String(reason), reason: ownReasons.unreachable });
  });
}

/** Leaves for the provider. */
function signIn(room: string): void {
  loadAccount()
    .then(({ startSignIn }) => startSignIn(room, chat.auth.getSnapshot().identity?.token ?? ""))
    .catch(showSignInProblem);
}

function showSignInProblem(reason: unknown): void {
  signInProblem = failureText(failureOf(reason));
  redraw();
}

/** Offers to load the page again: the server has another version, and parts of this one are gone. */
function offerReload(): void {
  const notice = document.createElement("div");
  document.body.append(notice);
  render(<OutdatedNotice onReload={() => location.reload()} />, notice);
}

/** Shows the page. After signing in, the token is fetched first: that of the guest is about to end. */
async function start(): Promise<void> {
  await applySettings().catch(() => {}); // without the words of a language, those in English
  followSettings();
  settings.subscribe(() => redraw());
  void loadProviderName().then((name) => {
    providerName = name;
    redraw();
  });
  if (isSignedIn(location)) {
    const fetched = loadAccount().then(({ fetchIdentity }) => fetchIdentity());
    await fetched.then((identity) => chat.adopt(identity), showSignInProblem);
  }
  window.addEventListener("hashchange", showAddress);
  window.addEventListener("popstate", showAddress);
  outdated.subscribe(offerReload);
  document.addEventListener("visibilitychange", () => redraw()); // notifications are offered on return
  fitAboveKeyboard();
  keepFocus();
  showAddress();
  endEarlyJoin();
  setTimeout(prepareTimes); // after the page is drawn, while the messages are on their way
  setTimeout(() => import("./update/service-worker").then(({ keepPage }) => keepPage(base)).catch(() => {}), keepAfter);
}

void start();
