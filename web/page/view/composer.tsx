import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon } from "./icons";
import { length, maxText, sayable, tidy } from "../../client/limits";

/** From how many characters left on they are counted. */
const countFrom = 200;

/** What is being written: a message, an answer to one, or another text for one. */
export type Mode =
  | { readonly kind: "say" }
  | { readonly kind: "reply"; readonly target: bigint; readonly name: string; readonly text: string }
  | { readonly kind: "edit"; readonly target: bigint };

interface Props {
  readonly room: string;
  readonly mode: Mode;
  /** What is written so far. */
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSay: (text: string) => void;
  /** Ends an answer or a change without saying it. */
  readonly onCancel: () => void;
  /** Changes what was said last. */
  readonly onChangeLast: () => void;
}

/** A place to write. Enter sends, Shift+Enter begins a new line. */
export function Composer({ room, mode, text, onText, onSay, onCancel, onChangeLast }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  const begun = useRef(false);
  const target = mode.kind === "say" ? 0n : mode.target;
  useEffect(() => {
    // Where there is a keyboard at hand, writing can begin at once.
    if (begun.current || mode.kind !== "say" || matchMedia("(hover: hover)").matches) field.current?.focus();
    if (mode.kind === "edit") field.current?.setSelectionRange(text.length, text.length);
    begun.current = true;
  }, [mode.kind, target]);

  const left = maxText - length(tidy(text));
  const submit = () => {
    if (!sayable(text)) return;
    onSay(tidy(text));
    field.current?.focus();
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    // Keys that end a composition, as for Japanese, belong to the input method;
    // 229 is how Safari marks them.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === "Escape" && mode.kind !== "say") onCancel();
    else if (event.key === "ArrowUp" && mode.kind === "say" && text === "") onChangeLast();
    else if (event.key === "Enter" && !event.shiftKey) submit();
    else return;
    event.preventDefault();
  };
  return (
    <form class="composer" data-mode={mode.kind} onSubmit={(event) => (event.preventDefault(), submit())}>
      {mode.kind !== "say" && <Purpose mode={mode} onCancel={onCancel} />}
      <label for="text" class="hidden">{labels[mode.kind](room, mode)}</label>
      {/* The style sheet gives the area the height of the same text beside it. */}
      <div class="growing" data-text={text}>
        <textarea
          ref={field} id="text" name="text" rows={1} dir="auto" enterkeyhint="send" autocomplete="off"
          placeholder={mode.kind === "reply" ? "Your reply" : `Message #${room}`} aria-invalid={left < 0} aria-describedby="left"
          value={text} onInput={(event) => onText(event.currentTarget.value)} onKeyDown={onKeyDown}
        />
      </div>
      <button type="submit" disabled={!sayable(text)}>{mode.kind === "edit" ? "Save" : "Send"}</button>
      <p id="left" class="left" data-over={left < 0} aria-live="polite">{counted(left)}</p>
    </form>
  );
}

const labels: Record<Mode["kind"], (room: string, mode: Mode) => string> = {
  say: (room) => `Message to ${room}`,
  reply: (_, mode) => `Reply to ${mode.kind === "reply" ? mode.name : ""}`,
  edit: () => "New text of your message",
};

/** Says what is being written, if that isn't just a message. */
function Purpose({ mode, onCancel }: { mode: Exclude<Mode, { kind: "say" }>; onCancel: () => void }) {
  return (
    <div class="purpose">
      <Icon name={mode.kind} />
      {mode.kind === "reply" ? <p>Reply to <bdi class="whom">{mode.name}</bdi> <bdi class="words">{mode.text}</bdi></p> : <p>Change your message</p>}
      <button type="button" class="quiet icon-only" title="Cancel (Esc)" aria-label={mode.kind === "reply" ? "Cancel the reply" : "Cancel the change"} onClick={onCancel}>
        <Icon name="close" />
      </button>
    </div>
  );
}

function counted(left: number): string {
  if (left > countFrom) return "";
  if (left < 0) return `${-left} ${left === -1 ? "character" : "characters"} too many`;
  return `${left} ${left === 1 ? "character" : "characters"} left`;
}
