import type { RefObject, TargetedClipboardEvent, TargetedKeyboardEvent } from "preact";
import { useId, useLayoutEffect } from "preact/hooks";
import { formatMarks, withMarks } from "../../state/text-format";
import { maxInserted } from "../../state/text-length";
import { useMediaQuery } from "../shell/media-query";
import { CompletionList, optionId } from "./completion-list";
import { replaceText } from "./field";
import { type CompletionSources, useCompletion } from "./use-completion";

/** A device without a keyboard: its Enter key begins a new line, and a button sends. */
const touchOnly = "(pointer: coarse) and (hover: none)";
/** A longer text has the greatest height at once: the browser would lay it out again for each key to find its height. */
const maxMeasured = 8_000;

interface Props {
  readonly id: string;
  readonly label: string;
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly placeholder?: string;
  readonly invalid: boolean;
  /** The id of what describes the state of the text. */
  readonly describedBy: string;
  readonly sources: CompletionSources;
  readonly onText: (text: string) => void;
  readonly onSubmit: () => void;
  /** Handles a key that the editor itself has no use for. It returns whether it did. */
  readonly onKey: (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => boolean;
  readonly onFiles: (files: readonly File[]) => void;
  /** A text was pasted or dropped that is far too long for a message: it is not inserted. */
  readonly onLongText: (text: string) => void;
  readonly onFocusChange?: (focused: boolean) => void;
}

/** A field for a message: with completion, keys that format, and the height of its text. */
export function Editor(props: Props) {
  const { id, label, field, text, placeholder, invalid, describedBy, sources } = props;
  const completion = useCompletion(field, sources);
  const listId = useId();
  const isTouchOnly = useMediaQuery(touchOnly);
  const isLong = text.length > maxMeasured;
  useLayoutEffect(() => fitHeight(field.current, isLong), [text, isLong]);

  const onKeyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    // A key that ends an input method's composition, as for Japanese, is not ours.
    // Safari marks it with the key code 229.
    if (event.isComposing || event.keyCode === 229) return;
    const submits = event.key === "Enter" && !event.shiftKey && (!isTouchOnly || event.ctrlKey || event.metaKey);
    if (completion.keyDown(event) || format(event) || props.onKey(event)) event.preventDefault();
    else if (submits) {
      event.preventDefault();
      props.onSubmit();
    }
  };
  const onPaste = (event: TargetedClipboardEvent<HTMLTextAreaElement>) => {
    const { files, types } = event.clipboardData ?? {};
    // Before the browser inserts it, and lays it out to find its height. What is longer is not inserted.
    const pasted = event.clipboardData?.getData("text/plain").length ?? 0;
    if (pasted > maxMeasured && pasted <= maxInserted) event.currentTarget.dataset.long = "true";
    // A spreadsheet's cells come as an image as well.
    if (!files?.length || types?.includes("text/plain")) return;
    event.preventDefault();
    props.onFiles([...files]);
  };
  const onBeforeInput = (event: InputEvent) => {
    const text = event.data ?? "";
    if (text.length <= maxInserted || !event.cancelable) return;
    event.preventDefault();
    props.onLongText(text);
  };
  const isOpen = completion.options.length > 0;
  return (
    <div class="editor">
      <CompletionList id={listId} completion={completion} />
      <textarea
        ref={field}
        id={id}
        rows={1}
        dir="auto"
        data-long={isLong}
        enterkeyhint={isTouchOnly ? "enter" : "send"}
        autocomplete="off"
        placeholder={placeholder}
        aria-label={label}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        aria-autocomplete="list"
        aria-controls={isOpen ? listId : undefined}
        aria-activedescendant={isOpen ? optionId(listId, completion.active) : undefined}
        value={text}
        onBeforeInput={onBeforeInput}
        onInput={(event) => {
          props.onText(event.currentTarget.value);
          completion.refresh();
        }}
        onKeyDown={onKeyDown}
        onClick={completion.refresh}
        onKeyUp={(event) => /^(Arrow(Left|Right)|Home|End)$/.test(event.key) && completion.refresh()}
        onFocus={() => props.onFocusChange?.(true)}
        onBlur={() => {
          completion.close();
          props.onFocusChange?.(false);
        }}
        onPaste={onPaste}
      />
    </div>
  );
}

/** Ctrl or ⌘ with B or I, or with Shift and X, puts marks around the selection. */
function format(event: TargetedKeyboardEvent<HTMLTextAreaElement>): boolean {
  const key = event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase();
  const mark = formatMarks[key];
  if (!mark || !(event.ctrlKey || event.metaKey) || event.altKey) return false;
  const field = event.currentTarget;
  const { from, to, insert, selectionStart, selectionEnd } = withMarks(
    field.value,
    field.selectionStart,
    field.selectionEnd,
    mark,
  );
  replaceText(field, from, to, insert);
  field.setSelectionRange(selectionStart, selectionEnd);
  return true;
}

/** Gives a field the height of its text, where the style sheet cannot. */
function fitHeight(field: HTMLTextAreaElement | null, isLong: boolean): void {
  if (!field || CSS.supports("field-sizing", "content")) return;
  field.style.height = "";
  if (!isLong) field.style.height = `${field.scrollHeight}px`;
}
