import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Auth, isValidName, maxNameBytes } from "../../../client";
import type { Dispatch } from "../../state/act";

interface Props {
  readonly auth: Auth;
  readonly dispatch: Dispatch;
  /** Where to sign in with an account; null if the server offers none. */
  readonly provider: AccountProvider | null;
  /** Ends a change of name; null if there is no name yet. */
  readonly onDone: (() => void) | null;
}

/** Where to sign in with an account. */
export interface AccountProvider {
  readonly name: string;
  /** Why signing in did not work, empty if nothing is known. */
  readonly problem: string;
  readonly onSignIn: () => void;
}

/** Asks for a name, and signs in with it, or shows the account that has signed in. */
export function NameForm(props: Props) {
  const { auth, dispatch, onDone } = props;
  return auth.identity?.account && onDone ? (
    <Account name={auth.name} dispatch={dispatch} onDone={onDone} />
  ) : (
    <GuestForm {...props} />
  );
}

interface AccountProps {
  readonly name: string;
  readonly dispatch: Dispatch;
  readonly onDone: () => void;
}

/** The account that has signed in. Its name is the provider's. */
function Account({ name, dispatch, onDone }: AccountProps) {
  return (
    <div class="naming">
      <div class="line account">
        <p>
          Signed in as <bdi>{name}</bdi>
        </p>
        <button type="button" class="small quiet" onClick={() => dispatch({ type: "signOut" })}>
          Sign out
        </button>
        <button type="button" class="small quiet" autofocus onClick={onDone}>
          Cancel
        </button>
      </div>
    </div>
  );
}

function GuestForm({ auth, dispatch, provider, onDone }: Props) {
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
        {problem || provider?.problem}
      </p>
      {provider && (
        <div class="line">
          <button type="button" class="quiet sign-in" onClick={provider.onSignIn}>
            Sign in with <bdi>{provider.name}</bdi>
          </button>
        </div>
      )}
    </form>
  );
}
