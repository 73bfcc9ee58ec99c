import type { TargetedKeyboardEvent, TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isValidText, maxTextLength, normalizeText, type SessionState } from "../../../client";
import { rich, t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import type { Drafts, ReplyDraft } from "../../state/drafts";
import { roomTitle } from "../../state/room-title";
import { maxInserted, textLength } from "../../state/text-length";
import { failureText } from "../controls/failure-text";
import { Icon } from "../controls/icons";
import { EmojiPicker } from "../emoji";
import { Editor } from "./editor";
import { insertText, replaceText } from "./field";
import { LengthNote } from "./length-note";
import { type ComposerNote, Note } from "./notes";
import { usePageInput } from "./page-input";
import { readTextFile, type TextFile } from "./text-file";
import type { CompletionSources } from "./use-completion";
import { useDraft } from "./use-draft";
import { type CommandActions, useSending } from "./use-sending";

interface Props {
  readonly state: SessionState;
  readonly dispatch: Dispatch;
  readonly drafts: Drafts;
  readonly sources: CompletionSources;
  readonly commands: CommandActions;
  /** Something to say from outside, such as that an edit has ended; null for nothing. */
  readonly notice: ComposerNote | null;
  readonly onNoticeClosed: () => void;
  /** The sequence of a message that is being edited and not loaded; 0 for none. */
  readonly editAway: bigint;
  readonly onEditLast: () => void;
}

/** Where messages are written: the field with its buttons, and what is said about the text above and below it. */
export function Composer(props: Props) {
  const { state, dispatch, drafts, sources, commands } = props;
  const { room, profile, auth } = state;
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useDraft(drafts, room, (draft) => draft.text);
  const reply = useDraft(drafts, room, (draft) => draft.reply);
  const onSend = (message: string, replyTo: bigint) =>
    dispatch({ type: "send", body: { kind: "message", text: message, replyTo } });
  const sending = useSending({ room, drafts, field, nameProblem: failureText(auth.failure), commands, onSend });
  const { note, setNote } = sending;
  const length = textLength(text);
  const canSend = length.kind !== "over" && isValidText(normalizeText(text));
  useEffect(() => {
    // On a touch screen, the focus would open the keyboard over the messages.
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
    return () => drafts.typing("");
  }, []);

  const setText = (changed: string) => {
    drafts.change(room, { text: changed });
    dispatch({ type: "draftChanged", empty: changed.length <= 2 * maxTextLength && !isValidText(changed) });
    if (note?.kind === "unknownCommand" || note?.kind === "problem") setNote(null);
  };
  const onFiles = (files: readonly File[]) => {
    const offer = (file: TextFile | null) =>
      setNote(file ? { kind: "textFile", file } : { kind: "files", count: files.length });
    if (files.length === 1 && files[0]) void readTextFile(files[0]).then(offer);
    else offer(null);
  };
  const insert = (words: string) => field.current && insertText(field.current, words);
  const onLongText = (words: string) => setNote({ kind: "longText", text: words });
  const onText = (words: string) => (words.length > maxInserted ? onLongText(words) : insert(words));
  const isDragged = usePageInput(field, onFiles, onText);
  const onKey = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    const isPlain = !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Escape" && (note || reply)) closeAll();
    else if (event.key === "ArrowUp" && isPlain && event.currentTarget.value === "") props.onEditLast();
    else return false;
    return true;
  };
  const closeAll = () => {
    if (note) setNote(null);
    else drafts.change(room, { reply: null });
  };
  const onInsertFile = ({ block }: TextFile) => {
    const before = field.current?.value.slice(0, field.current.selectionStart) ?? "";
    insert(before === "" || before.endsWith("\n") ? block : `\n${block}`);
    setNote(null);
  };
  const onInsertText = (words: string) => {
    insert(words);
    setNote(null);
  };
  const onSubmit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    sending.submit();
  };
  const shown = note ?? props.notice;
  const name = roomTitle(room, profile.displayName);
  return (
    <form class="composer" onSubmit={onSubmit} data-dragged={isDragged}>
      {props.editAway > 0n && <EditAway sequence={props.editAway} room={room} drafts={drafts} dispatch={dispatch} />}
      {reply && <ReplyBanner reply={reply} onCancel={() => drafts.change(room, { reply: null })} />}
      {shown && (
        <Note
          note={shown}
          onSendAnyway={sending.sendAsIs}
          onInsert={onInsertFile}
          onInsertText={onInsertText}
          onClose={() => (note ? setNote(null) : props.onNoticeClosed())}
        />
      )}
      <div class="composer-box">
        <Editor
          id="text"
          label={
            reply
              ? t("composer.replyLabel", { name: reply.name || t("composer.anonymous") })
              : t("composer.label", { room: name })
          }
          field={field}
          text={text}
          placeholder={reply ? t("composer.replyPlaceholder") : t("composer.placeholder", { room: name })}
          invalid={length.kind === "over"}
          describedBy="length"
          sources={sources}
          onText={setText}
          onSubmit={sending.submit}
          onKey={onKey}
          onFiles={onFiles}
          onLongText={onLongText}
          onFocusChange={(focused) => drafts.typing(focused ? room : "")}
        />
        <Buttons canSend={canSend} onEmoji={insert} onHelp={commands.help} />
      </div>
      <LengthNote
        id="length"
        length={length}
        text={text}
        onCut={(cut) => field.current && replaceText(field.current, 0, field.current.value.length, cut)}
      />
      {isDragged && <p class="drop-zone">{t("composer.dropHere")}</p>}
    </form>
  );
}

interface ButtonsProps {
  readonly canSend: boolean;
  readonly onEmoji: (emoji: string) => void;
  readonly onHelp: () => void;
}

function Buttons({ canSend, onEmoji, onHelp }: ButtonsProps) {
  const [picks, setPicks] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  return (
    <div class="composer-buttons">
      <button
        type="button"
        class="quiet icon-only help"
        title={t("composer.help")}
        aria-label={t("composer.help")}
        onClick={onHelp}
      >
        <Icon name="format" />
      </button>
      <button
        ref={button}
        type="button"
        class="quiet icon-only"
        title={t("composer.emoji")}
        aria-label={t("composer.emoji")}
        aria-haspopup="dialog"
        aria-expanded={picks}
        onClick={() => setPicks(true)}
      >
        <Icon name="smile" />
      </button>
      <button
        type="submit"
        class="icon-only send"
        disabled={!canSend}
        title={t("composer.send")}
        aria-label={t("composer.send")}
      >
        <Icon name="send" />
      </button>
      {picks && (
        <EmojiPicker
          onPick={onEmoji}
          onClose={() => setPicks(false)}
          {...(button.current && { anchor: button.current })}
        />
      )}
    </div>
  );
}

function ReplyBanner({ reply, onCancel }: { readonly reply: ReplyDraft; readonly onCancel: () => void }) {
  const name = reply.name || t("composer.anonymous");
  return (
    <div class="purpose">
      <Icon name="reply" />
      <p>
        <span class="recipient">{rich("composer.replyTo", { name: <bdi>{name}</bdi> })}</span>
        <bdi class="words">{reply.text}</bdi>
      </p>
      <button
        type="button"
        class="quiet icon-only"
        title={t("composer.cancelReplyHint")}
        aria-label={t("composer.cancelReply")}
        onClick={onCancel}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

interface EditAwayProps extends Pick<Props, "drafts" | "dispatch"> {
  readonly sequence: bigint;
  readonly room: string;
}

/** An edit of an earlier visit, whose message is not loaded. */
function EditAway({ sequence, room, drafts, dispatch }: EditAwayProps) {
  return (
    <div class="composer-note" data-kind="edit">
      <p role="status">{t("composer.unfinishedEdit")}</p>
      <button type="button" class="small outlined" onClick={() => dispatch({ type: "goTo", sequence })}>
        {t("composer.goToEdit")}
      </button>
      <button type="button" class="small quiet" onClick={() => drafts.change(room, { edit: null })}>
        {t("composer.discardEdit")}
      </button>
    </div>
  );
}
