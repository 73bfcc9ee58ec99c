import { useEffect } from "preact/hooks";
import type { Auth } from "../../../client";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { Icon } from "../controls/icons";
import { Mark } from "./mark";
import { type AccountProvider, NameField, SignInButton, useNameForm } from "./name-field";

interface Props {
  readonly auth: Auth;
  readonly dispatch: Dispatch;
  readonly provider: AccountProvider | null;
  /** Copies the link to the room. */
  readonly onInvite: () => void;
}

/** In place of the composer for a user without a name: what this is, and how to join. */
export function Welcome({ auth, dispatch, provider, onInvite }: Props) {
  const form = useNameForm(auth, dispatch, null);
  useEffect(() => {
    // On a touch screen, the focus would open the keyboard over the page.
    if (matchMedia("(hover: hover)").matches && document.activeElement === document.body) {
      form.field.current?.focus({ preventScroll: true });
    }
  }, []);
  const problem = form.problem || provider?.problem || "";
  return (
    <section class="welcome naming" aria-labelledby="welcome-title">
      <div class="welcome-head">
        <Mark />
        <div>
          <h2 id="welcome-title">{auth.failure ? t("shell.joinAgain") : t("shell.welcome")}</h2>
          <p class="welcome-what">{t("shell.whatThisIs")}</p>
        </div>
      </div>
      <form class="welcome-form" onSubmit={form.submit}>
        <label for="name">{t("shell.chooseName")}</label>
        <div class="line">
          <NameField form={form} />
          <button type="submit" disabled={!form.canSubmit} aria-disabled={form.isPending}>
            {form.isPending ? t("shell.signingIn") : t("shell.join")}
          </button>
        </div>
        <p id="name-problem" class="problem" role="alert">
          {problem}
        </p>
      </form>
      <div class="welcome-other">
        {provider && <SignInButton provider={provider} />}
        <button type="button" class="quiet" onClick={onInvite}>
          <Icon name="link" />
          {t("shell.invite")}
        </button>
      </div>
    </section>
  );
}
