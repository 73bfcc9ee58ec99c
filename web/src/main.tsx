// The wiring: a session's effects are carried out, what comes of them goes back
// in, and the page shows the state.

import { render } from "preact";
import { newClient } from "./client";
import { roomOf } from "./limits";
import type { Failure } from "./model";
import { restore } from "./outbox";
import { step } from "./session";
import { canShare, Sharing } from "./share";
import { identityKey, keepIdentity, keepOutbox, loadIdentity, loadOutbox } from "./store";
import { initial, type Effect, type Input, type State, type Timer } from "./turn";
import { NoRoom, Room } from "./view";

const root = document.getElementById("app")!;

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
        const { id, token } = effect;
        return answer(client.send(token, id, effect.text),
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
        return answer(client.list(effect.token, effect.before && { before: effect.before }),
          (page) => ({ type: "page", serial, page }),
          (failure) => ({ type: "pageFailed", serial, failure }));
      }
      case "timer":
        clearTimeout(timers.get(effect.timer));
        timers.set(effect.timer, window.setTimeout(() => dispatch({ type: "timer", timer: effect.timer }), effect.after));
        return;
      case "stop":
        return clearTimeout(timers.get(effect.timer));
      case "keep":
        return keepIdentity(effect.identity);
    }
  }

  function answer<T>(call: Promise<T>, good: (value: T) => Input, bad: (failure: Failure) => Input): void {
    call.then((value) => dispatch(good(value)), (failure: Failure) => dispatch(bad(failure)));
  }

  const draw = drawing(() => show(state, dispatch), left.signal);
  listen(dispatch, left.signal);
  dispatch({ type: "start" });
  return () => {
    left.abort();
    closeStream();
    streams.close();
    timers.forEach((timer) => clearTimeout(timer));
    render(null, root);
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

function show(state: State, dispatch: (input: Input) => void): void {
  document.title = `${state.unread > 0 ? `(${state.unread}) ` : ""}#${state.room} · chatroom`;
  render(<Room state={state} dispatch={dispatch} newId={newId} />, root);
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
    leave = () => render(null, root);
    document.title = "chatroom";
    render(<NoRoom />, root);
  }
}

window.addEventListener("hashchange", go);
fitKeyboard();
go();
