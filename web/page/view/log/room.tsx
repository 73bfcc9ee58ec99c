import type { ComponentChild } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { type MessageChange, type RoomProfile, rightsOf, type SessionState } from "../../../client";
import type { Dispatch } from "../../state/act";
import type { Drafts } from "../../state/drafts";
import { type MessageRow, messageRows } from "../../state/message-rows";
import type { ComposerNote } from "../composer/notes";
import { ReadOnly } from "../composer/read-only";
import { TypingNotice } from "../composer/typing-notice";
import { useComposer } from "../composer/use-composer";
import { useSources } from "../composer/use-sources";
import { useLoaded } from "../controls/use-loaded";
import { EmojiPicker } from "../emoji";
import { MentionContext } from "../text/text-context";
import { useMentionable } from "../text/use-mentionable";
import type { MessageActions } from "./message-actions";
import { MessageLog } from "./message-log";

interface Props {
  readonly state: SessionState;
  readonly dispatch: Dispatch;
  /** The unsent words of each room. */
  readonly drafts: Drafts;
  readonly onSaveProfile: (profile: RoomProfile) => Promise<void>;
  /** The address of the room. */
  readonly link: string;
  /** Returns the message that came at a time, or the first one after it; null if there is none. */
  readonly onFindTime: (time: number) => Promise<bigint | null>;
  readonly onHelp: () => void;
  /** What asks for a name, in place of the composer; null for a user who has one. */
  readonly welcome: ComponentChild;
}

/** The messages of a room, and the composer. */
export function Room({ state, dispatch, drafts, onSaveProfile, link, onFindTime, onHelp, welcome }: Props) {
  const { auth, timeline, outbox, room, quotes, presence } = state;
  const rows = useMemo(
    () => messageRows(state),
    [
      timeline,
      outbox.entries,
      quotes,
      presence.members,
      presence.self,
      auth.identity,
      auth.memberIds,
      auth.name,
      state.unreadStart,
      state.renames,
    ],
  );
  const mentionable = useMentionable(rows, presence, auth.name);
  const [menu, setMenu] = useState<{ readonly key: string; readonly button: HTMLElement } | null>(null);
  const [picking, setPicking] = useState<{ readonly key: string; readonly button: HTMLElement } | null>(null);
  const [reactorsKey, setReactorsKey] = useState("");
  const [deleteKey, setDeleteKey] = useState("");

  const messages = rows.filter((row) => row.kind === "message");
  const storedRow = (key: string) => messages.find((row) => row.key === key && row.sequence > 0n);
  const sendChange = (change: MessageChange) => dispatch({ type: "send", body: change });
  const [notice, setNotice] = useState<ComposerNote | null>(null);
  const sources = useSources(state, dispatch);
  const onEditLost = () => setNotice({ kind: "editDeleted" });
  const composer = useComposer({ state, messages, dispatch, drafts, onEditLost });
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
  const whenNamed = (act: () => void) => (isNamed ? act() : document.getElementById("name")?.focus());
  const latest = useRef({ whenNamed, toggleReaction, reply: composer.reply });
  latest.current = { whenNamed, toggleReaction, reply: composer.reply };
  const actions = useMemo<MessageActions>(
    () => ({
      openMenu: (row, button) => setMenu({ key: row.key, button }),
      toggleReaction: (row, emoji) => latest.current.whenNamed(() => latest.current.toggleReaction(row, emoji)),
      pickReaction: (row, button) => latest.current.whenNamed(() => setPicking({ key: row.key, button })),
      reply: (row) => latest.current.whenNamed(() => latest.current.reply(row)),
    }),
    [],
  );

  const writing = useLoaded(welcome === null, () => import("../composer/parts"));
  const views = useLoaded(menu !== null || deleteKey !== "" || reactorsKey !== "", () => import("./dialogs"));
  const commands = {
    nick: auth.identity?.account ? null : (name: string) => dispatch({ type: "signIn", name }),
    topic: rights?.manage === false ? null : (topic: string) => onSaveProfile({ ...state.profile, topic }),
    help: onHelp,
  };
  const editor = composer.editingKey !== "" &&
    writing && {
      key: composer.editingKey,
      node: (
        <writing.EditForm
          room={room}
          drafts={drafts}
          sources={sources}
          takeFocus={composer.takeFocus}
          onSave={composer.save}
          onCancel={composer.cancelEdit}
        />
      ),
    };
  const menuRow = menu && storedRow(menu.key);
  const pickingRow = picking && storedRow(picking.key);
  const reactorsRow = reactorsKey === "" ? undefined : storedRow(reactorsKey);
  const deleteRow = deleteKey === "" ? undefined : storedRow(deleteKey);
  return (
    <>
      <MentionContext.Provider value={mentionable}>
        <MessageLog
          state={state}
          rows={rows}
          canReact={canReact}
          editor={editor || null}
          actions={actions}
          dispatch={dispatch}
          onFindTime={onFindTime}
        />
      </MentionContext.Provider>
      <footer class="footer">
        {welcome ? (
          welcome
        ) : !canPost ? (
          <ReadOnly muted={rights?.muted ?? null} />
        ) : !writing ? (
          <div class="composer-space" />
        ) : (
          <writing.Composer
            state={state}
            dispatch={dispatch}
            drafts={drafts}
            sources={sources}
            commands={commands}
            notice={notice}
            onNoticeClosed={() => setNotice(null)}
            editAway={composer.editAway}
            onEditLast={canEditOwn ? composer.editLast : () => {}}
          />
        )}
        <TypingNotice typing={state.typing} />
      </footer>
      {views && menuRow && (
        <views.MessageMenu
          key={menuRow.key}
          row={menuRow}
          link={`${link}/${menuRow.sequence}`}
          button={menu.button}
          canReact={isNamed && canReact}
          canReply={isNamed && canPost}
          canEdit={isNamed && menuRow.own && canEditOwn}
          canDelete={isNamed && ((menuRow.own && canEditOwn) || rights?.moderate === true)}
          onClose={() => setMenu(null)}
          onReact={(emoji) => toggleReaction(menuRow, emoji)}
          onPick={() => setPicking({ key: menuRow.key, button: menu.button })}
          onReactors={() => setReactorsKey(menuRow.key)}
          onReply={() => composer.reply(menuRow)}
          onEdit={() => composer.edit(menuRow)}
          onDelete={() => setDeleteKey(menuRow.key)}
        />
      )}
      {pickingRow && (
        <EmojiPicker
          anchor={picking.button}
          onPick={(emoji) => toggleReaction(pickingRow, emoji)}
          onClose={() => setPicking(null)}
        />
      )}
      {views && reactorsRow && <views.ReactorsDialog row={reactorsRow} onClose={() => setReactorsKey("")} />}
      {views && deleteRow && (
        <views.DeleteDialog
          row={deleteRow}
          asksReason={!deleteRow.own}
          onDelete={(reason) =>
            sendChange({ kind: "deletion", target: deleteRow.sequence, ...(reason !== "" && { reason }) })
          }
          onClose={() => setDeleteKey("")}
        />
      )}
    </>
  );
}
