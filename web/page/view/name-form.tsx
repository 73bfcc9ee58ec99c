import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Auth, type Dispatch, isValidName, maxNameBytes } from "../../client";

interface Props {
  readonly auth: Auth;
  readonly dispatch: Dispatch;
  /** Ends a change of name; null if there is no name yet. */
  readonly onDone: (() => void) | null;
}

/** Asks for a name, and signs in with it. */
export function NameForm({ auth, dispatch, onDone }: Props) {
  const [name, setName] = useState(auth.name);
  const field = useRef<HTMLInputElement>(null);
  const [isSubmitted, setSubmitted] = useState(onDone === null);
  const isPending = auth.pending?.purpose === "form";
  const problem = isSubmitted ? auth.problem : ""; // not that of an earlier change
  useEffect(() => {
    if (onDone || problem) field.current?.select();
  }, [problem]);

  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isPending || !isValidName(name)) return;
    if (onDone && name.trim() === auth.name) {
      onDone();
    } else {
      setSubmitted(true);
      dispatch({ type: "signIn", name: name.trim() });
    }
  };
  return (
    <form class="naming" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && onDone?.()}>
      <div class="line">
        <label for="name">{onDone ? "Your new name" : "Choose a name to join"}</label>
        {onDone && (
          <>
            <button type="button" class="small quiet" onClick={() => dispatch({ type: "signOut" })}>
              Sign out
            </button>
            <button type="button" class="small quiet" onClick={onDone}>
              Cancel
            </button>
          </>
        )}
      </div>
      <div class="line">
        <input
          ref={field}
          id="name"
          name="name"
          type="text"
          required
          maxLength={maxNameBytes}
          dir="auto"
          autocomplete="nickname"
          autocapitalize="words"
          spellcheck={false}
          enterkeyhint="go"
          placeholder="Your name"
          aria-invalid={problem !== ""}
          aria-describedby="name-problem"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <button type="submit" disabled={isPending || !isValidName(name)}>
          {isPending ? "Signing in…" : onDone ? "Change" : "Join"}
        </button>
      </div>
      <p id="name-problem" class="problem" role="alert">
        {problem}
      </p>
    </form>
  );
}
