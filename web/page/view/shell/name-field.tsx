import type { TargetedSubmitEvent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Auth, isValidName, maxNameBytes } from "../../../client";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { failureText } from "../controls/failure-text";

/** Where to sign in with an account. */
export interface AccountProvider {
  readonly name: string;
  /** Why signing in did not work, empty if nothing is known. */
  readonly problem: string;
  readonly onSignIn: () => void;
}

/** The state of a form for the user's own name. */
export function useNameForm(auth: Auth, dispatch: Dispatch, onUnchanged: (() => void) | null) {
  const [name, setName] = useState(auth.name);
  // A problem of an earlier change is not this form's.
  const [isSubmitted, setSubmitted] = useState(onUnchanged === null);
  const field = useRef<HTMLInputElement>(null);
  const isPending = auth.pending?.purpose === "form";
  const problem = isSubmitted ? failureText(auth.failure) : "";
  useEffect(() => {
    if (onUnchanged || problem) field.current?.select();
  }, [problem]);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isPending || !isValidName(name)) return;
    if (onUnchanged && name.trim() === auth.name) {
      onUnchanged();
      return;
    }
    setSubmitted(true);
    dispatch({ type: "signIn", name: name.trim() });
  };
  return { name, setName, field, isPending, problem, submit, canSubmit: isValidName(name) };
}

interface Props {
  readonly form: ReturnType<typeof useNameForm>;
}

/** The field for the user's own name. */
export function NameField({ form }: Props) {
  return (
    <input
      ref={form.field}
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
      aria-invalid={form.problem !== ""}
      aria-describedby="name-problem"
      value={form.name}
      onInput={(event) => form.setName(event.currentTarget.value)}
    />
  );
}

interface SignInButtonProps {
  readonly provider: AccountProvider;
}

export function SignInButton({ provider }: SignInButtonProps) {
  return (
    <button type="button" class="outlined sign-in" onClick={provider.onSignIn}>
      {t("shell.signInWith", { provider: `\u2068${provider.name}\u2069` })}
    </button>
  );
}
