import { useEffect, useRef } from "preact/hooks";
import { quoteOf, type SessionState } from "../../../client";
import type { Dispatch } from "../../state/act";
import type { Drafts, EditDraft } from "../../state/drafts";
import { type MessageRow, maxQuoteLength } from "../../state/message-rows";
import { useDraft } from "./use-draft";

interface Options {
  readonly state: SessionState;
  readonly messages: readonly MessageRow[];
  readonly dispatch: Dispatch;
  readonly drafts: Drafts;
  /** The words of an edit are in the composer now: its message was deleted. */
  readonly onEditLost: () => void;
}

export interface ComposerActions {
  /** The key of the row that is edited; empty for none. */
  readonly editingKey: string;
  /** The sequence of the message that is edited, if it is not loaded; 0 for none. */
  readonly editAway: bigint;
  readonly edit: (row: MessageRow) => void;
  readonly editLast: () => void;
  readonly reply: (row: MessageRow) => void;
  readonly save: (text: string) => void;
  readonly cancelEdit: () => void;
  /** Returns, once, whether an edit was begun here, and not in an earlier visit or another tab. */
  readonly takeFocus: () => boolean;
}

/** What begins and ends replies and edits. The words themselves are in the drafts. */
export function useComposer({ state, messages, dispatch, drafts, onEditLost }: Options): ComposerActions {
  const { room, cursor, timeline, quotes } = state;
  const edited = useDraft(drafts, room, ({ edit }) => edit?.sequence ?? 0n);
  const replied = useDraft(drafts, room, ({ reply }) => reply?.sequence ?? 0n);
  const wantsFocus = useRef(false);
  const returnTo = useRef<"composer" | "message">("composer");
  const row = edited > 0n ? messages.find(({ sequence }) => sequence === edited) : undefined;

  useEffect(() => {
    if (!cursor) return;
    const { text, edit, reply } = drafts.get(room);
    const isGone = (target: { readonly epoch: string; readonly sequence: bigint }) =>
      target.epoch !== cursor.epoch || quoteOf(quotes, timeline, target.sequence) === "deleted";
    if (reply && isGone(reply)) drafts.change(room, { reply: null });
    if (!edit || !isGone(edit)) return;
    drafts.change(room, { edit: null, text: joined(text, edit) });
    onEditLost();
  }, [cursor?.epoch, timeline, quotes, edited, replied]);

  const edit = (target: MessageRow, from: "composer" | "message" = "message") => {
    wantsFocus.current = true;
    returnTo.current = from;
    drafts.change(room, { edit: { epoch: cursor?.epoch ?? "", sequence: target.sequence, text: target.text } });
  };
  const editLast = () => {
    const last = messages.findLast(({ own, sequence }) => own && sequence > 0n);
    if (last) edit(last, "composer");
  };
  const endEdit = () => {
    drafts.change(room, { edit: null });
    const { current } = returnTo;
    // Once the field is gone: its message gets the focus, or the composer.
    requestAnimationFrame(() => {
      const message = row && document.querySelector(`[data-key="${CSS.escape(row.key)}"]`);
      const control = current === "message" && message?.querySelector<HTMLElement>(".more");
      (control || document.getElementById("text"))?.focus({ preventScroll: true });
    });
  };
  const save = (text: string) => {
    if (text !== row?.text) dispatch({ type: "send", body: { kind: "edit", target: edited, text } });
    endEdit();
  };
  const reply = ({ sequence, sender, text }: MessageRow) => {
    const target = { epoch: cursor?.epoch ?? "", sequence };
    drafts.change(room, { reply: { ...target, name: sender.name, text: text.slice(0, maxQuoteLength) } });
    document.getElementById("text")?.focus();
  };
  const takeFocus = () => {
    const wanted = wantsFocus.current;
    wantsFocus.current = false;
    return wanted;
  };
  return {
    editingKey: row?.key ?? "",
    editAway: row ? 0n : edited,
    edit,
    editLast,
    reply,
    save,
    cancelEdit: endEdit,
    takeFocus,
  };
}

function joined(text: string, edit: EditDraft): string {
  return text.trim() === "" ? edit.text : `${text.trimEnd()}\n\n${edit.text}`;
}
