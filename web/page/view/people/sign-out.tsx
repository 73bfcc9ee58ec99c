import { t } from "../../i18n";
import { Dialog } from "../controls/dialog";

interface Props {
  /** Whether the user has no account to sign in with again. */
  readonly isGuest: boolean;
  /** Whether something was sent that is not stored. */
  readonly hasUnsent: boolean;
  readonly onSignOut: () => void;
  readonly onClose: () => void;
}

/** Asks before signing out, and says what is lost. */
export function SignOut({ isGuest, hasUnsent, onSignOut, onClose }: Props) {
  const signOut = () => {
    onClose();
    onSignOut();
  };
  return (
    <Dialog title={t("people.signOutTitle")} kind="middle" onClose={onClose}>
      <p>{isGuest ? t("people.signOutGuest") : t("people.signOutAccount")}</p>
      {hasUnsent && <p class="problem">{t("people.signOutUnsent")}</p>}
      <div class="buttons">
        <button type="button" class="quiet" autofocus onClick={onClose}>
          {t("people.cancel")}
        </button>
        <button type="button" class="danger sign-out" onClick={signOut}>
          {t("people.signOut")}
        </button>
      </div>
    </Dialog>
  );
}
