import type { TargetedKeyboardEvent, TargetedSubmitEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { codePoints, isValidText, maxTextLength, normalizeText } from "../../../client";
import { Icon } from "../controls/icons";

/** The rest of the length is shown from this many characters on. */
const showRestFrom = 200;

/** What the text is for: a message, a reply to one, or a new text for one. */
export type ComposerMode =
  | { readonly kind: "message" }
  | { readonly kind: "reply"; readonly target: bigint; readonly name: string; readonly text: string }
  | { readonly kind: "edit"; readonly target: bigint };

interface Props {
  readonly room: string;
  readonly mode: ComposerMode;
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSend: (text: string) => void;
  /** Leaves a reply or an edit. */
  readonly onCancel: () => void;
  readonly onEditLast: () => void;
}

/** A field to write in. Enter sends, Shift+Enter begins a new line. */
export function Composer({ room, mode, text, onText, onSend, onCancel, onEditLast }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const isMounted = useRef(false);
  const target = mode.kind === "message" ? 0n : mode.target;
  useEffect(() => {
    // On a touch screen, the focus would open the keyboard over the messages.
    const hasKeyboard = matchMedia("(hover: hover)").matches;
    if (isMounted.current || mode.kind !== "message" || hasKeyboard) field.current?.focus();
    if (mode.kind === "edit") field.current?.setSelectionRange(text.length, text.length);
    isMounted.current = true;
  }, [mode.kind, target]);

  const left = maxTextLength - codePoints(normalizeText(text));
  const send = () => {
    if (!isValidText(text)) return;
    onSend(normalizeText(text));
    field.current?.focus();
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    // A key that ends an input method's composition, as for Japanese, is not ours.
    // Safari marks it with the key code 229.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && mode.kind !== "message") onCancel();
    else if (event.key === "ArrowUp" && mode.kind === "message" && text === "") onEditLast();
    else if (event.key === "Enter" && !event.shiftKey) send();
    else return;
    event.preventDefault();
  };
  const onSubmit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    send();
  };
  return (
    <form class="composer" onSubmit={onSubmit}>
      {mode.kind !== "message" && <ModeBanner mode={mode} onCancel={onCancel} />}
      <label for="text" class="sr-only">
        {label(room, mode)}
      </label>
      {/* The style sheet gives the field the height of a copy of the text. */}
      <div class="auto-height" data-text={text}>
        <textarea
          ref={field}
          id="text"
          name="text"
          rows={1}
          dir="auto"
          enterkeyhint="send"
          autocomplete="off"
          placeholder={mode.kind === "reply" ? "Your reply" : `Message #${room}`}
          aria-invalid={left < 0}
          aria-describedby="counter"
          value={text}
          onInput={(event) => onText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <button type="submit" disabled={!isValidText(text)}>
        {mode.kind === "edit" ? "Save" : "Send"}
      </button>
      <p id="counter" class="counter" data-over={left < 0} aria-live="polite">
        {restLabel(left)}
      </p>
    </form>
  );
}

function label(room: string, mode: ComposerMode): string {
  switch (mode.kind) {
    case "message":
      return `Message to ${room}`;
    case "reply":
      return `Reply to ${mode.name}`;
    case "edit":
      return "New text of your message";
  }
}

interface ModeBannerProps {
  readonly mode: Exclude<ComposerMode, { kind: "message" }>;
  readonly onCancel: () => void;
}

function ModeBanner({ mode, onCancel }: ModeBannerProps) {
  const isReply = mode.kind === "reply";
  return (
    <div class="purpose">
      <Icon name={mode.kind} />
      {isReply ? (
        <p>
          Reply to <bdi class="recipient">{mode.name}</bdi> <bdi class="words">{mode.text}</bdi>
        </p>
      ) : (
        <p>Edit your message</p>
      )}
      <button
        type="button"
        class="quiet icon-only"
        title="Cancel (Esc)"
        aria-label={isReply ? "Cancel the reply" : "Cancel the edit"}
        onClick={onCancel}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}

function restLabel(left: number): string {
  if (left > showRestFrom) return "";
  const n = Math.abs(left);
  return `${n} ${n === 1 ? "character" : "characters"} ${left < 0 ? "too many" : "left"}`;
}
