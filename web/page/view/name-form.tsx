import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { maxName, nameable } from "../../client/limits";
import type { Who } from "../../client/session/step";
import type { Dispatch } from "./page";

interface Props {
  readonly who: Who;
  readonly dispatch: Dispatch;
  /** Ends a change of name; null when there is no name yet. */
  readonly onDone: (() => void) | null;
}

/** Asks for a name, and signs in with it. */
export function NameForm({ who, dispatch, onDone }: Props) {
  const [name, setName] = useState(who.name);
  const field = useRef<HTMLInputElement>(null);
  const [asked, setAsked] = useState(onDone === null);
  const asking = who.asking?.for === "form";
  const problem = asked ? who.problem : ""; // not the one of the last time
  useEffect(() => {
    if (onDone || problem) field.current?.select();
  }, [problem]);

  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (asking || !nameable(name)) return;
    if (onDone && name.trim() === who.name) {
      onDone();
    } else {
      setAsked(true);
      dispatch({ type: "named", name: name.trim() });
    }
  };
  return (
    <form class="naming" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onDone?.()}>
      <div class="line">
        <label for="name">{onDone ? "Your new name" : "Choose a name to join in"}</label>
        {onDone && <button type="button" class="small quiet" onClick={onDone}>Cancel</button>}
      </div>
      <div class="line">
        <input
          ref={field} id="name" name="name" type="text" required maxLength={maxName} dir="auto"
          autocomplete="nickname" autocapitalize="words" spellcheck={false} enterkeyhint="go" placeholder="Your name"
          aria-invalid={problem !== ""} aria-describedby="name-problem"
          value={name} onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" disabled={asking || !nameable(name)}>{asking ? "One moment…" : onDone ? "Change" : "Join"}</button>
      </div>
      <p id="name-problem" class="problem" role="alert">{problem}</p>
    </form>
  );
}
