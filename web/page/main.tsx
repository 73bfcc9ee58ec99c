// The wiring: a session's effects are carried out, what comes of them goes back
// in, and the page shows the state.

import { render } from "preact";
import { newClient, newRooms, pageSize, stride } from "../client/transport/service";
import { Directory } from "../client/rooms/room-directory";
import { roomOf } from "../client/limits";
import type { Cursor, Failure, Receipt, Speech } from "../client/model";
import { restore } from "../client/state/outbox";
import { badge, unreadBeside } from "../client/rooms/room-list";
import { step } from "../client/session/session";
import { canShare, Sharing } from "../client/transport/shared-stream";
import { identityKey, keepIdentity, keepOutbox, keepSeen, lastSeen, loadIdentity, loadOutbox, loadSeen, seenKey } from "./storage/storage";
import { initial, isOpen, type Effect, type Input, type Timer } from "../client/session/step";
import { NoRoom, Page, type PageProps } from "./view/page";

const root = document.getElementById("app")!;

/** Draws the page again. */
let redraw = () => {};
/** Whether the room that is shown has a stream. */
let connected = () => false;

const directory = new Directory({
  list: newRooms(location.origin),
  token: () => loadIdentity()?.token ?? "",
  seen: loadSeen,
  connected: () => connected(),
  changed: () => redraw(),
  random: Math.random,
});

/** This browser has read a room up to a cursor. */
function saw(room: string, cursor: Cursor): void {
  keepSeen(room, cursor);
  directory.read(room, cursor.sequence);
}

/** Shows a room until the function returned is called. */
function enter(room: string): () => void {
  const client = newClient(location.origin, room);
  const streams = canShare()
    ? new Sharing(room, { ...client, wake: () => dispatch({ type: "woke" }) }, {
        locks: navigator.locks,
        channel: new BroadcastChannel(`chatroom.stream.${room}`),
        visible: () => !document.hidden,
      })
    : { open: client.open, close: () => {} };
  const left = new AbortController();
  const timers = new Map<Timer, number>();
  const inputs: Input[] = [];
  let closeStream = () => {};
  let seen: Cursor | null = null;
  let state = initial(room, { identity: loadIdentity(), outbox: restore(loadOutbox(room), Date.now()) });

  function dispatch(input: Input): void {
    if (left.signal.aborted) return;
    // Effects may answer at once; each input is one whole step all the same.
    if (inputs.push(input) > 1) return;
    try {
      for (let next; (next = inputs[0]); inputs.shift()) take(next);
    } finally {
      inputs.length = 0;
      draw();
    }
  }

  function take(input: Input): void {
    const before = state;
    const [after, effects] = step(state, input, { now: Date.now(), random: Math.random });
    state = after;
    if (after.outbox !== before.outbox) keepOutbox(room, after.outbox);
    effects.forEach(perform);
  }

  function perform(effect: Effect): void {
    switch (effect.type) {
      case "open": {
        const { stream } = effect;
        closeStream = streams.open(effect.token, effect.start, {
          frame: (frame) => dispatch({ type: "frame", stream, frame }),
          ended: (end) => dispatch({ type: "ended", stream, end }),
        });
        return;
      }
      case "close":
        return closeStream();
      case "send": {
        const { id, token, body } = effect;
        return answer(send(token, id, body),
          (receipt) => ({ type: "sent", id, receipt }),
          (failure) => ({ type: "sendFailed", id, token, failure }));
      }
      case "signIn": {
        const { serial } = effect;
        return answer(client.signIn(effect.token, effect.name),
          (identity) => ({ type: "signedIn", serial, identity }),
          (failure) => ({ type: "signInFailed", serial, failure }));
      }
      case "list": {
        const { serial } = effect;
        return answer(client.list(effect.token, effect.place, effect.far ? stride : pageSize),
          (page) => ({ type: "page", serial, page }),
          (failure) => ({ type: "pageFailed", serial, failure }));
      }
      case "quote": {
        const { serial } = effect;
        return answer(client.list(effect.token, { before: effect.before }, 1),
          (page) => ({ type: "quoted", serial, page }),
          () => ({ type: "quoted", serial, page: null }));
      }
      case "people": {
        const { serial } = effect;
        return answer(client.members(effect.token),
          (crowd) => ({ type: "crowd", serial, crowd }),
          () => ({ type: "crowd", serial, crowd: null }));
      }
      case "typing":
        client.typing(effect.token, newId(), effect.stopped).catch(() => {}); // the next one will do
        return;
      case "timer":
        clearTimeout(timers.get(effect.timer));
        timers.set(effect.timer, window.setTimeout(() => dispatch({ type: "timer", timer: effect.timer }), effect.after));
        return;
      case "stop":
        return clearTimeout(timers.get(effect.timer));
      case "listRooms":
        void directory.refresh();
        return;
      case "roomsChanged":
        return directory.push(effect.change);
      case "keep":
        return keepIdentity(effect.identity);
    }
  }

  function answer<T>(call: Promise<T>, good: (value: T) => Input, bad: (failure: Failure) => Input): void {
    call.then((value) => dispatch(good(value)), (failure: Failure) => dispatch(bad(failure)));
  }

  /** Sends. Who writes in a room has read it, even if the room was left before the answer comes. */
  async function send(token: string, id: string, body: Speech): Promise<Receipt> {
    const receipt = await client.send(token, id, body);
    if (body.kind === "message") saw(room, receipt);
    return receipt;
  }

  const present: PageProps["onPresent"] = (presented) => client.present(state.who.identity?.token ?? "", presented);

  function show(): void {
    const { looking, cursor, link, unread } = state;
    if (link.settled && looking.visible && looking.atEnd && cursor && cursor.sequence !== seen?.sequence) {
      saw(room, (seen = cursor));
    }
    const all = badge(unread + unreadBeside(directory.state.rooms, room));
    document.title = `${all && `(${all}) `}${state.presented.displayName || `#${room}`} · chatroom`;
    render(<Page state={state} dispatch={dispatch} listed={directory.state} newId={newId} onRoom={goTo} onMoreRooms={moreRooms} onPresent={present} />, root);
  }

  const draw = drawing(show, left.signal);
  redraw = draw;
  connected = () => isOpen(state.link);
  listen(dispatch, left.signal);
  dispatch({ type: "start" });
  return () => {
    left.abort();
    connected = () => false;
    closeStream();
    streams.close();
    timers.forEach((timer) => clearTimeout(timer));
  };
}

/** Passes on what the browser knows. All of it is a hint, and may be wrong. */
function listen(dispatch: (input: Input) => void, signal: AbortSignal): void {
  const online = () => dispatch({ type: "network", online: navigator.onLine });
  window.addEventListener("online", online, { signal });
  window.addEventListener("offline", online, { signal });
  window.addEventListener("pageshow", () => dispatch({ type: "woke" }), { signal });
  document.addEventListener("visibilitychange", () => !document.hidden && dispatch({ type: "woke" }), { signal });
  window.addEventListener("storage", (event) => {
    // What is stored by now counts, so that tabs that signed in together agree.
    const identity = event.key === identityKey ? loadIdentity() : null;
    if (identity) dispatch({ type: "adopted", identity });
  }, { signal });
  if (!navigator.onLine) online();
}

/** Draws at most once per frame. A hidden page has no frames, but it has a title. */
function drawing(draw: () => void, signal: AbortSignal): () => void {
  let frame = 0;
  let timer = 0;
  const now = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    timer = 0;
    if (!signal.aborted) draw();
  };
  return () => {
    if (timer !== 0) return;
    frame = requestAnimationFrame(now);
    timer = window.setTimeout(now, 100);
  };
}

/** 128 random bits. crypto.randomUUID is there over https only. */
function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** On screens where the keyboard covers the page, the page ends above it. */
function fitKeyboard(): void {
  const { visualViewport } = window;
  visualViewport?.addEventListener("resize", () => {
    const { height, scale } = visualViewport;
    if (scale === 1) document.documentElement.style.setProperty("--height", `${height}px`);
  });
}

let leave = () => {};
let current: string | null | undefined;

function go(): void {
  const room = roomOf(location);
  if (room === current) return;
  leave();
  current = room;
  if (room) leave = enter(room);
  else {
    leave = () => {};
    document.title = "chatroom";
    render(<NoRoom />, root);
  }
}

/** Goes to a room, as a link would. */
function goTo(room: string): void {
  if (room === current) return;
  history.pushState(null, "", `${location.pathname}?room=${room}`);
  go();
}

function moreRooms(): void {
  void directory.more();
}

/** Leaves when the page is left, though the browser may keep it to come back to. */
function pause(): void {
  leave();
  leave = () => {};
  current = undefined;
}

/** Another tab has read a room. */
function readElsewhere({ key, newValue }: StorageEvent): void {
  const [room, cursor] = (key === seenKey && lastSeen(newValue)) || [];
  if (room && cursor) directory.read(room, cursor.sequence);
}

window.addEventListener("hashchange", go);
window.addEventListener("popstate", go);
window.addEventListener("pagehide", pause);
window.addEventListener("pageshow", go);
window.addEventListener("storage", readElsewhere);
fitKeyboard();
go();
