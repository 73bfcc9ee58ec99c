import type { SessionState } from "../../../client";
import { t } from "../../i18n";
import { selfOf } from "../../state/message-rows";
import { Icon } from "../controls/icons";
import { NameMarkTag } from "../controls/name-mark";
import { Avatar } from "../people/looks";

interface Props {
  readonly state: SessionState;
  readonly onProfile: () => void;
  readonly onSettings: () => void;
}

/** The foot of the sidebar: who the user is, and the settings. */
export function OwnProfile({ state, onProfile, onSettings }: Props) {
  return (
    <div class="side-foot">
      {state.auth.name === "" ? (
        <p class="nameless">{t("shell.nameless")}</p>
      ) : (
        <Who state={state} onProfile={onProfile} />
      )}
      <button
        type="button"
        class="quiet icon-only to-settings"
        title={t("shell.settings")}
        aria-label={t("shell.settings")}
        aria-haspopup="dialog"
        onClick={onSettings}
      >
        <Icon name="settings" />
      </button>
    </div>
  );
}

/** The user's own name, which leads to the profile. */
function Who({ state, onProfile }: Omit<Props, "onSettings">) {
  const { auth } = state;
  const self = selfOf(state);
  return (
    <button
      type="button"
      id="who"
      class="quiet who"
      aria-haspopup="dialog"
      title={t("shell.profile")}
      onClick={onProfile}
    >
      <Avatar member={{ ...self, id: self.id || (auth.memberIds.at(-1) ?? ""), name: self.name || auth.name }} />
      <span class="who-text">
        <span class="sr-only">{t("shell.profile")}: </span>
        <bdi>{self.name || auth.name}</bdi>
        {/* Under the name, which a tag beside it would shrink to a letter. */}
        <span class="who-kind">
          <NameMarkTag mark={self.mark} /> {auth.identity?.account ? t("shell.account") : t("shell.guest")}
        </span>
      </span>
    </button>
  );
}
