// The page: a bar, the messages, and below them a place to write or to give a
// name. Views only show a state and say what was done.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { rows } from "./rows";
import type { Input, State } from "./turn";
import { Composer } from "./view-composer";
import { Log } from "./view-log";
import { NameForm } from "./view-name";
import { Status } from "./view-status";

export type Dispatch = (input: Input) => void;

export interface RoomProps {
  readonly state: State;
  readonly dispatch: Dispatch;
  /** A new id for something said. */
  readonly newId: () => string;
}

export function Room({ state, dispatch, newId }: RoomProps) {
  const { who, timeline, outbox } = state;
  const [renaming, setRenaming] = useState(false);
  const [text, setText] = useState(""); // kept here, as a change of name hides the composer
  const toName = useRef<HTMLButtonElement>(null);
  const list = useMemo(() => rows(state), [timeline, outbox, who.identity, who.ids, who.name]);

  const token = who.identity?.token;
  useEffect(() => setRenaming(false), [token]);

  const nameless = !who.identity && (who.name === "" || who.problem !== "");
  const stopRenaming = () => {
    setRenaming(false);
    toName.current?.focus();
  };
  return (
    <>
      <header class="bar">
        <h1><span class="sign">#</span>{state.room}</h1>
        <Status state={state} dispatch={dispatch} />
        {who.name !== "" && (
          <button ref={toName} type="button" class="quiet who" title="Change your name" onClick={() => setRenaming(true)}>
            <span class="hidden">Change your name, </span><bdi>{who.name}</bdi>
          </button>
        )}
      </header>
      <Log state={state} rows={list} dispatch={dispatch} />
      <footer class="foot">
        {nameless || renaming ? (
          <NameForm who={who} dispatch={dispatch} onDone={nameless ? null : stopRenaming} />
        ) : (
          <Composer room={state.room} text={text} onText={setText} onSay={(said) => dispatch({ type: "said", id: newId(), text: said })} />
        )}
      </footer>
    </>
  );
}

/** Shown instead of a room when the address names none. */
export function NoRoom() {
  return (
    <main class="note">
      <h1>There is no such room</h1>
      <p>A room’s name has 1 to 64 characters: a to z, 0 to 9, dot, hyphen and underscore.</p>
      <p><a href="?room=lobby#">Go to the lobby</a></p>
    </main>
  );
}
