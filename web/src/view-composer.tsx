import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { length, maxText, sayable, tidy } from "./limits";

/** From how many characters left on they are counted. */
const countFrom = 200;

interface Props {
  readonly room: string;
  /** What is written so far. */
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSay: (text: string) => void;
}

/** A place to write. Enter sends, Shift+Enter begins a new line. */
export function Composer({ room, text, onText, onSay }: Props) {
  const field = useRef<HTMLTextAreaElement>(null);
  // Where there is a keyboard at hand, writing can begin at once.
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) field.current?.focus();
  }, []);

  const left = maxText - length(tidy(text));
  const submit = () => {
    if (!sayable(text)) return;
    onSay(tidy(text));
    onText("");
    field.current?.focus();
  };
  const onKeyDown = (event: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
    // Enter that ends a composition, as for Japanese, belongs to the input method;
    // 229 is how Safari marks it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  };
  return (
    <form class="composer" onSubmit={(event) => (event.preventDefault(), submit())}>
      <label for="text" class="hidden">Message to {room}</label>
      {/* The style sheet gives the area the height of the same text beside it. */}
      <div class="growing" data-text={text}>
        <textarea
          ref={field} id="text" name="text" rows={1} dir="auto" enterkeyhint="send" autocomplete="off"
          placeholder={`Message #${room}`} aria-invalid={left < 0} aria-describedby="left"
          value={text} onInput={(event) => onText(event.currentTarget.value)} onKeyDown={onKeyDown}
        />
      </div>
      <button type="submit" disabled={!sayable(text)}>Send</button>
      <p id="left" class="left" data-over={left < 0} aria-live="polite">{counted(left)}</p>
    </form>
  );
}

function counted(left: number): string {
  if (left > countFrom) return "";
  if (left < 0) return `${-left} ${left === -1 ? "character" : "characters"} too many`;
  return `${left} ${left === 1 ? "character" : "characters"} left`;
}
