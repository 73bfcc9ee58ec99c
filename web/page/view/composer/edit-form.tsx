import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isValidText, normalizeText } from "../../../client";
import { expandShortcodes } from "../../emoji";
import { t } from "../../i18n";
import type { Drafts } from "../../state/drafts";
import { textLength } from "../../state/text-length";
import { Editor } from "./editor";
import { insertText, replaceText } from "./field";
import { LengthNote } from "./length-note";
import { LongTextNote } from "./notes";
import type { CompletionSources } from "./use-completion";
import { useDraft } from "./use-draft";

interface Props {
  readonly room: string;
  readonly drafts: Drafts;
  readonly sources: CompletionSources;
  /** Returns whether the user has just begun the edit: then the field gets the focus. */
  readonly takeFocus: () => boolean;
  readonly onSave: (text: string) => void;
  readonly onCancel: () => void;
}

/** Stands in the place of the text of a message while it is edited. */
export function EditForm({ room, drafts, sources, takeFocus, onSave, onCancel }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const text = useDraft(drafts, room, (draft) => draft.edit?.text ?? "");
  const [longText, setLongText] = useState<string | null>(null);
  const length = textLength(text);
  const isValid = isValidText(normalizeText(text));
  useEffect(() => {
    if (!field.current || !takeFocus()) return;
    field.current.focus();
    field.current.setSelectionRange(text.length, text.length);
    field.current.scrollIntoView({ block: "nearest" });
  }, []);
  const setText = (changed: string) => {
    const { edit } = drafts.get(room);
    if (edit) drafts.change(room, { edit: { ...edit, text: changed } });
  };
  const save = async () => {
    const { edit } = drafts.get(room);
    const normal = normalizeText(edit?.text ?? "");
    if (!isValidText(normal)) return;
    const expanded = await expandShortcodes(normal);
    // While the emoji were loaded, it may have been saved, changed or given up.
    if (drafts.get(room).edit === edit) onSave(expanded);
  };
  const onSubmit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void save();
  };
  const onInsert = (beginning: string) => {
    if (field.current) insertText(field.current, beginning);
    setLongText(null);
  };
  const onKey = ({ key }: { readonly key: string }) => {
    if (key === "Escape") onCancel();
    return key === "Escape";
  };
  return (
    // The keys of the log around it are those of the field here.
    <form class="edit-form" onSubmit={onSubmit} onKeyDown={(event) => event.stopPropagation()}>
      {longText !== null && <LongTextNote text={longText} onInsert={onInsert} onClose={() => setLongText(null)} />}
      <Editor
        id="edit-text"
        label={t("composer.editLabel")}
        field={field}
        text={text}
        invalid={length.kind === "over"}
        describedBy="edit-length"
        sources={sources}
        onText={setText}
        onSubmit={() => void save()}
        onKey={onKey}
        onFiles={() => {}}
        onLongText={setLongText}
      />
      <LengthNote
        id="edit-length"
        length={length}
        text={text}
        onCut={(cut) => field.current && replaceText(field.current, 0, text.length, cut)}
      />
      <div class="edit-buttons">
        <button type="button" class="small quiet" onClick={onCancel}>
          {t("composer.cancel")}
        </button>
        <button type="submit" class="small" disabled={!isValid}>
          {t("composer.save")}
        </button>
      </div>
    </form>
  );
}
