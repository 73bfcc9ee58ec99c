import { useEffect, useState } from "preact/hooks";
import { isValidText, type MessageChange } from "../../../client";
import type { Dispatch } from "../../state/act";
import { type MessageRow, maxQuoteLength } from "../../state/message-rows";
import type { ComposerMode } from "./composer";

const plainMessage: ComposerMode = { kind: "message" };

interface Options {
  readonly room: string;
  readonly messages: readonly MessageRow[];
  readonly dispatch: Dispatch;
  readonly sendChange: (change: MessageChange) => void;
  /** The unsent text of each room. */
  readonly drafts: Map<string, string>;
}

/** Returns the mode and the text of the composer, and what changes them. */
export function useComposer({ room, messages, dispatch, sendChange, drafts }: Options) {
  const [draft, setDraft] = useState(drafts.get(room) ?? "");
  const [editText, setEditText] = useState("");
  const [chosenMode, setMode] = useState<ComposerMode>(plainMessage);
  // A reply or an edit ends when its message is deleted.
  const isPossible = chosenMode.kind === "message" || messages.some((row) => row.sequence === chosenMode.target);
  const mode = isPossible ? chosenMode : plainMessage;
  useEffect(() => setMode(mode), [mode]);

  const setText = (text: string) => {
    if (mode.kind === "edit") {
      setEditText(text);
      return;
    }
    drafts.set(room, text);
    setDraft(text);
    dispatch({ type: "draftChanged", empty: !isValidText(text) });
  };
  const send = (text: string) => {
    if (mode.kind === "edit") {
      const { target } = mode;
      if (text !== messages.find((row) => row.sequence === target)?.text) sendChange({ kind: "edit", target, text });
    } else {
      const replyTo = mode.kind === "reply" ? mode.target : 0n;
      dispatch({ type: "send", body: { kind: "message", text, replyTo } });
      setText("");
    }
    setMode(plainMessage);
  };
  const edit = ({ text, sequence }: MessageRow) => {
    setEditText(text);
    setMode({ kind: "edit", target: sequence });
  };
  const editLast = () => {
    const last = messages.findLast((row) => row.own && row.sequence > 0n);
    if (last) edit(last);
  };
  const reply = ({ sequence, sender, text }: MessageRow) => {
    const name = sender.name || "anonymous";
    setMode({ kind: "reply", target: sequence, name, text: text.slice(0, maxQuoteLength) });
  };
  const cancel = () => setMode(plainMessage);
  return { mode, text: mode.kind === "edit" ? editText : draft, setText, send, edit, editLast, reply, cancel };
}
