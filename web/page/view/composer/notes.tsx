import type { ComponentChildren } from "preact";
import { maxTextLength } from "../../../client";
import { rich, t } from "../../i18n";
import { formatNumber } from "../../state/labels";
import { cutToLimit } from "../../state/text-length";
import { Icon } from "../controls/icons";
import type { TextFile } from "./text-file";

/** What the composer has to say or to ask. */
export type ComposerNote =
  | { readonly kind: "unknownCommand"; readonly name: string }
  | { readonly kind: "problem"; readonly text: string }
  | { readonly kind: "files"; readonly count: number }
  | { readonly kind: "textFile"; readonly file: TextFile }
  | { readonly kind: "longText"; readonly text: string }
  | { readonly kind: "editDeleted" };

interface Props {
  readonly note: ComposerNote;
  readonly onSendAnyway: () => void;
  readonly onInsert: (file: TextFile) => void;
  readonly onInsertText: (text: string) => void;
  readonly onClose: () => void;
}

/** A note above the field, with what can be done. */
export function Note({ note, onSendAnyway, onInsert, onInsertText, onClose }: Props) {
  if (note.kind === "longText") return <LongTextNote text={note.text} onInsert={onInsertText} onClose={onClose} />;
  return (
    <NoteBox kind={note.kind} text={noteText(note)} onClose={onClose}>
      {note.kind === "unknownCommand" && (
        <button type="button" class="small outlined" onClick={onSendAnyway}>
          {t("composer.sendAnyway")}
        </button>
      )}
      {note.kind === "textFile" && (
        <button type="button" class="small outlined" onClick={() => onInsert(note.file)}>
          {t("composer.insertFile")}
        </button>
      )}
    </NoteBox>
  );
}

interface LongTextProps {
  readonly text: string;
  readonly onInsert: (text: string) => void;
  readonly onClose: () => void;
}

/** Offers the beginning of a text that was pasted, and is far too long for a message. */
export function LongTextNote({ text, onInsert, onClose }: LongTextProps) {
  const limit = formatNumber(maxTextLength);
  const about = formatNumber(Math.round(text.length / 1_000) * 1_000);
  return (
    <NoteBox kind="longText" text={t("composer.longText", { n: about, limit })} onClose={onClose}>
      <button type="button" class="small outlined" onClick={() => onInsert(cutToLimit(text))}>
        {t("composer.insertBeginning", { n: limit })}
      </button>
    </NoteBox>
  );
}

interface BoxProps {
  readonly kind: ComposerNote["kind"];
  readonly text: ComponentChildren;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

function NoteBox({ kind, text, onClose, children }: BoxProps) {
  return (
    <div class="composer-note" data-kind={kind}>
      <p role="status">{text}</p>
      {children}
      <button type="button" class="quiet icon-only" aria-label={t("composer.closeNote")} onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function noteText(note: Exclude<ComposerNote, { readonly kind: "longText" }>) {
  switch (note.kind) {
    case "unknownCommand":
      return rich("composer.unknownCommand", { command: <code>/{note.name}</code> });
    case "problem":
      return note.text;
    case "files":
      return t("composer.noFiles", { count: note.count });
    case "textFile":
      return rich("composer.textFile", { name: <bdi>{note.file.name}</bdi> });
    case "editDeleted":
      return t("composer.editDeleted");
  }
}
