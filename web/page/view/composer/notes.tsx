import { rich, t } from "../../i18n";
import { Icon } from "../controls/icons";
import type { TextFile } from "./text-file";

/** What the composer has to say or to ask. */
export type ComposerNote =
  | { readonly kind: "unknownCommand"; readonly name: string }
  | { readonly kind: "problem"; readonly text: string }
  | { readonly kind: "files"; readonly count: number }
  | { readonly kind: "textFile"; readonly file: TextFile }
  | { readonly kind: "editDeleted" };

interface Props {
  readonly note: ComposerNote;
  readonly onSendAnyway: () => void;
  readonly onInsert: (file: TextFile) => void;
  readonly onClose: () => void;
}

/** A note above the field, with what can be done. */
export function Note({ note, onSendAnyway, onInsert, onClose }: Props) {
  return (
    <div class="composer-note" data-kind={note.kind}>
      <p role="status">{noteText(note)}</p>
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
      <button type="button" class="quiet icon-only" aria-label={t("composer.closeNote")} onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function noteText(note: ComposerNote) {
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
