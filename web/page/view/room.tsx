import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { rows, type MessageRow } from "../state/message-rows";
import type { State } from "../../client/session/step";
import { Composer, type Mode } from "./composer";
import { Dialog } from "./dialog";
import { Log } from "./message-log";
import { Menu } from "./message-menu";
import type { Acts } from "./message";
import { NameForm } from "./name-form";
import { Writers } from "./typing-notice";
import type { Dispatch } from "./page";
import { sayable } from "../../client/limits";

interface Props {
  readonly state: State;
  readonly dispatch: Dispatch;
  readonly newId: () => string;
  /** What is written and not sent, by room. */
  readonly drafts: Map<string, string>;
  readonly renaming: boolean;
  readonly onRenamed: () => void;
}

const say: Mode = { kind: "say" };

/** The messages of a room, and a place to write. */
export function Room({ state, dispatch, newId, drafts, renaming, onRenamed }: Props) {
  const { who, timeline, outbox, room, quotes, people } = state;
  const list = useMemo(() => rows(state), [timeline, outbox, quotes, people.members, who.identity, who.ids, who.name]);
  const [draft, setDraft] = useState(drafts.get(room) ?? "");
  const [chosen, setMode] = useState<Mode>(say);
  const [changing, setChanging] = useState(""); // the new text of a message
  const [menu, setMenu] = useState<{ readonly key: string; readonly beside: HTMLElement } | null>(null);
  const [deleting, setDeleting] = useState("");

  const messages = list.filter((row) => row.kind === "message");
  const rowOf = (key: string) => messages.find((row) => row.key === key && row.sequence > 0n);
  // What is deleted while it is answered or changed is neither.
  const mode = chosen.kind === "say" || messages.some((row) => row.sequence === chosen.target) ? chosen : say;
  useEffect(() => setMode(mode), [mode]);

  const write = (text: string) => {
    if (mode.kind === "edit") {
      setChanging(text);
      return;
    }
    drafts.set(room, text);
    setDraft(text);
    dispatch({ type: "writing", empty: !sayable(text) });
  };
  const react = (row: MessageRow, emoji: string) => {
    const removed = row.chips.some((chip) => chip.emoji === emoji && chip.ours);
    dispatch({ type: "changed", id: newId(), change: { kind: "reaction", target: row.sequence, emoji, removed } });
  };
  const change = (row: MessageRow) => {
    setChanging(row.text);
    setMode({ kind: "edit", target: row.sequence });
  };
  const submit = (text: string) => {
    if (mode.kind === "edit") {
      const before = messages.find((row) => row.sequence === mode.target);
      if (text !== before?.text) dispatch({ type: "changed", id: newId(), change: { kind: "edit", target: mode.target, text } });
    } else {
      dispatch({ type: "said", id: newId(), body: { kind: "message", text, replyTo: mode.kind === "reply" ? mode.target : 0n } });
      write("");
    }
    setMode(say);
  };

  const named = who.name !== "";
  const may = useRef(named);
  may.current = named;
  // Lines keep these: they are the same as long as the room is shown.
  const latest = useRef({ react });
  latest.current = { react };
  const acts = useMemo<Acts>(() => ({
    may: () => may.current,
    menu: (row, beside) => setMenu({ key: row.key, beside }),
    react: (row, emoji) => (may.current ? latest.current.react(row, emoji) : document.getElementById("name")?.focus()),
  }), []);

  const open = menu && rowOf(menu.key);
  const doomed = deleting === "" ? undefined : rowOf(deleting);
  const nameless = !who.identity && (who.name === "" || who.problem !== "");
  return (
    <>
      <Log state={state} rows={list} acts={acts} dispatch={dispatch} />
      <footer class="foot">
        <Writers typing={state.typing} />
        {nameless || renaming ? (
          <NameForm who={who} dispatch={dispatch} onDone={nameless ? null : onRenamed} />
        ) : (
          <Composer
            room={room} mode={mode} text={mode.kind === "edit" ? changing : draft} onText={write} onSay={submit} onCancel={() => setMode(say)}
            onChangeLast={() => {
              const last = messages.findLast((row) => row.ours && row.sequence > 0n);
              if (last) change(last);
            }}
          />
        )}
      </footer>
      {open && (
        <Menu
          key={open.key} row={open} beside={menu.beside} may={named} onClose={() => setMenu(null)}
          onReact={(emoji) => react(open, emoji)}
          onReply={() => setMode({ kind: "reply", target: open.sequence, name: open.sender.name || "anonymous", text: open.text.slice(0, 200) })}
          onEdit={() => change(open)}
          onDelete={() => setDeleting(open.key)}
        />
      )}
      {doomed && (
        <Dialog title="Delete this message?" kind="middle" onClose={() => setDeleting("")}>
          <p class="doomed" dir="auto">{doomed.text}</p>
          <p>Everybody in the room loses it, for good.</p>
          <div class="choices">
            <button
              type="button" class="danger"
              onClick={() => {
                dispatch({ type: "changed", id: newId(), change: { kind: "deletion", target: doomed.sequence } });
                setDeleting("");
              }}
            >
              Delete
            </button>
            <button type="button" class="quiet" autofocus onClick={() => setDeleting("")}>Keep it</button>
          </div>
        </Dialog>
      )}
    </>
  );
}
