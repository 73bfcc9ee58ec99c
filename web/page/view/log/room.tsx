import { useMemo, useRef, useState } from "preact/hooks";
import { type MessageChange, rightsOf, type SessionState } from "../../../client";
import type { Dispatch } from "../../state/act";
import { type MessageRow, messageRows } from "../../state/message-rows";
import { Composer } from "../composer/composer";
import { type AccountProvider, NameForm } from "../composer/name-form";
import { ReadOnly } from "../composer/read-only";
import { TypingNotice } from "../composer/typing-notice";
import { useComposer } from "../composer/use-composer";
import { Dialog } from "../controls/dialog";
import type { MessageActions } from "./message";
import { MessageLog } from "./message-log";
import { MessageMenu } from "./message-menu";

interface Props {
  readonly state: SessionState;
  readonly dispatch: Dispatch;
  /** The unsent text of each room. */
  readonly drafts: Map<string, string>;
  /** Where to sign in with an account; null if the server offers none. */
  readonly provider: AccountProvider | null;
  readonly renaming: boolean;
  readonly onRenamed: () => void;
}

/** The messages of a room, and the composer. */
export function Room({ state, dispatch, drafts, provider, renaming, onRenamed }: Props) {
  const { auth, timeline, outbox, room, quotes, presence } = state;
  const rows = useMemo(
    () => messageRows(state),
    [timeline, outbox.entries, quotes, presence.members, presence.self, auth.identity, auth.memberIds, auth.name],
  );
  const [menu, setMenu] = useState<{ readonly key: string; readonly button: HTMLElement } | null>(null);
  const [deleteKey, setDeleteKey] = useState("");

  const messages = rows.filter((row) => row.kind === "message");
  const storedRow = (key: string) => messages.find((row) => row.key === key && row.sequence > 0n);
  const sendChange = (change: MessageChange) => dispatch({ type: "send", body: change });
  const composer = useComposer({ room, messages, dispatch, sendChange, drafts });
  const toggleReaction = ({ sequence, reactions }: MessageRow, emoji: string) => {
    const removed = reactions.some((reaction) => reaction.emoji === emoji && reaction.own);
    sendChange({ kind: "reaction", target: sequence, emoji, removed });
  };
  const isNamed = auth.name !== "";
  const rights = rightsOf(state);
  const canReact = rights?.react !== false;
  const canPost = rights?.post !== false;
  const canEditOwn = rights?.editOwn !== false;
  // The rows are only drawn again when they change, so that the actions must stay the same object.
  const latest = useRef({ isNamed, toggleReaction });
  latest.current = { isNamed, toggleReaction };
  const actions = useMemo<MessageActions>(
    () => ({
      openMenu: (row, button) => setMenu({ key: row.key, button }),
      toggleReaction: (row, emoji) => {
        if (latest.current.isNamed) latest.current.toggleReaction(row, emoji);
        else document.getElementById("name")?.focus();
      },
    }),
    [],
  );

  const menuRow = menu && storedRow(menu.key);
  const deleteRow = deleteKey === "" ? undefined : storedRow(deleteKey);
  const asksName = !auth.identity && (!isNamed || auth.problem !== "");
  return (
    <>
      <MessageLog state={state} rows={rows} canReact={canReact} actions={actions} dispatch={dispatch} />
      <footer class="footer">
        <TypingNotice typing={state.typing} />
        {asksName || renaming ? (
          <NameForm auth={auth} dispatch={dispatch} provider={provider} onDone={asksName ? null : onRenamed} />
        ) : !canPost && composer.mode.kind !== "edit" ? (
          <ReadOnly muted={rights?.muted ?? null} />
        ) : (
          <Composer
            room={room}
            mode={composer.mode}
            text={composer.text}
            onText={composer.setText}
            onSend={composer.send}
            onCancel={composer.cancel}
            onEditLast={canEditOwn ? composer.editLast : () => {}}
          />
        )}
      </footer>
      {menuRow && (
        <MessageMenu
          key={menuRow.key}
          row={menuRow}
          button={menu.button}
          canReact={isNamed && canReact}
          canReply={isNamed && canPost}
          canEdit={isNamed && menuRow.own && canEditOwn}
          canDelete={isNamed && ((menuRow.own && canEditOwn) || rights?.moderate === true)}
          onClose={() => setMenu(null)}
          onReact={(emoji) => toggleReaction(menuRow, emoji)}
          onReply={() => composer.reply(menuRow)}
          onEdit={() => composer.edit(menuRow)}
          onDelete={() => setDeleteKey(menuRow.key)}
        />
      )}
      {deleteRow && (
        <DeleteDialog
          row={deleteRow}
          onDelete={() => sendChange({ kind: "deletion", target: deleteRow.sequence })}
          onClose={() => setDeleteKey("")}
        />
      )}
    </>
  );
}

interface DeleteDialogProps {
  readonly row: MessageRow;
  readonly onDelete: () => void;
  readonly onClose: () => void;
}

function DeleteDialog({ row, onDelete, onClose }: DeleteDialogProps) {
  const confirm = () => {
    onDelete();
    onClose();
  };
  return (
    <Dialog title="Delete this message?" kind="middle" onClose={onClose}>
      <p class="deleted-text" dir="auto">
        {row.text}
      </p>
      <p>It is deleted for everyone in the room and cannot be restored.</p>
      <div class="buttons">
        <button type="button" class="danger" onClick={confirm}>
          Delete
        </button>
        <button type="button" class="quiet" autofocus onClick={onClose}>
          Keep it
        </button>
      </div>
    </Dialog>
  );
}
