import { useEffect, useRef, useState } from "preact/hooks";
import type { SessionState } from "../../../client";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { selfOf } from "../../state/message-rows";
import { Dialog, DialogActions } from "../controls/dialog";
import { Icon } from "../controls/icons";
import { NameMarkTag } from "../controls/name-mark";
import { Avatar } from "../people/looks";
import { type AccountProvider, NameField, SignInButton, useNameForm } from "./name-field";
import "../../styles/settings.css";
import "../../styles/profile.css";

interface Props {
  readonly state: SessionState;
  readonly dispatch: Dispatch;
  readonly provider: AccountProvider | null;
  readonly onSettings: () => void;
  readonly onClose: () => void;
}

/** Who the user is here: the name and a way to change it, the settings and signing out. */
export function ProfileDialog({ state, dispatch, provider, onSettings, onClose }: Props) {
  const { auth } = state;
  const self = selfOf(state);
  const isAccount = auth.identity?.account !== undefined;
  return (
    <Dialog title={t("shell.profile")} kind="middle" onClose={onClose}>
      <div class="profile">
        <div class="profile-head">
          <Avatar member={{ ...self, id: self.id || (auth.memberIds.at(-1) ?? ""), name: self.name || auth.name }} />
          <div>
            <p class="profile-name">
              <bdi>{self.name || auth.name}</bdi> <NameMarkTag mark={self.mark} />
            </p>
            <p class="hint">{isAccount ? t("shell.accountHint") : t("shell.guestHint")}</p>
          </div>
        </div>
        {!isAccount && <RenameForm auth={auth} dispatch={dispatch} provider={provider} onClose={onClose} />}
        <div class="profile-actions">
          <button type="button" class="quiet" onClick={onSettings}>
            <Icon name="settings" />
            {t("shell.settings")}
          </button>
          <SignOut isAccount={isAccount} onSignOut={() => dispatch({ type: "signOut" })} />
        </div>
      </div>
    </Dialog>
  );
}

interface RenameFormProps extends Pick<Props, "dispatch" | "provider" | "onClose"> {
  readonly auth: SessionState["auth"];
}

/** The name of a guest. That of an account is the provider's. */
function RenameForm({ auth, dispatch, provider, onClose }: RenameFormProps) {
  const form = useNameForm(auth, dispatch, onClose);
  return (
    <form class="naming" onSubmit={form.submit}>
      <label for="name">{t("shell.name")}</label>
      <NameField form={form} />
      <p id="name-problem" class="problem" role="alert">
        {form.problem || provider?.problem}
      </p>
      <DialogActions
        cancel={
          <button type="button" class="quiet" onClick={onClose}>
            {t("shell.cancel")}
          </button>
        }
      >
        <button type="submit" disabled={!form.canSubmit} aria-disabled={form.isPending}>
          {form.isPending ? t("shell.signingIn") : t("shell.changeName")}
        </button>
      </DialogActions>
      {provider && <SignInButton provider={provider} />}
    </form>
  );
}

interface SignOutProps {
  readonly isAccount: boolean;
  readonly onSignOut: () => void;
}

/** A guest who signs out cannot come back as the same one: that is asked first. */
function SignOut({ isAccount, onSignOut }: SignOutProps) {
  const [isAsked, setAsked] = useState(false);
  const stay = useRef<HTMLButtonElement>(null);
  useEffect(() => stay.current?.focus(), [isAsked]);
  if (!isAsked) {
    return (
      <button type="button" class="quiet sign-out" onClick={() => (isAccount ? onSignOut() : setAsked(true))}>
        <Icon name="signOut" />
        {t("shell.signOut")}
      </button>
    );
  }
  return (
    <div class="sign-out-question" role="group" aria-labelledby="sign-out-question">
      <p id="sign-out-question">{t("shell.signOutQuestion")}</p>
      <DialogActions
        cancel={
          <button type="button" class="quiet" ref={stay} onClick={() => setAsked(false)}>
            {t("shell.stay")}
          </button>
        }
      >
        <button type="button" class="danger confirm-sign-out" onClick={onSignOut}>
          {t("shell.signOut")}
        </button>
      </DialogActions>
    </div>
  );
}
