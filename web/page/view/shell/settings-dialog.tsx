import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { languageNames, t } from "../../i18n";
import { askPermission, noticePermission } from "../../notice/browser-notice";
import { choices, type Settings } from "../../settings/settings";
import { changeSettings, settings } from "../../settings/store";
import { Dialog } from "../controls/dialog";
import { useStore } from "../controls/use-store";
import "../../styles/settings.css";

interface Props {
  readonly onClose: () => void;
}

/** The settings of this browser. They apply at once. */
export function SettingsDialog({ onClose }: Props) {
  const { theme, density, language, notifications, sound } = useStore(settings);
  return (
    <Dialog title={t("settings.title")} kind="middle" onClose={onClose}>
      <div class="settings">
        <Choice name="theme" label={t("settings.theme")} value={theme} labels={themeLabels()} />
        <Choice name="density" label={t("settings.density")} value={density} labels={densityLabels()} />
        <Choice name="language" label={t("settings.language")} value={language} labels={languageLabels()} />
        {noticePermission() !== null && (
          <>
            <Choice
              name="notifications"
              label={t("settings.notifications")}
              value={notifications}
              labels={notificationLabels()}
            />
            {notifications !== "off" && <PermissionHint />}
          </>
        )}
        <Choice name="sound" label={t("settings.sound")} value={sound} labels={soundLabels()} />
        <p class="hint">{t("settings.hint")}</p>
      </div>
    </Dialog>
  );
}

type Labels<Name extends keyof Settings> = Readonly<Record<Settings[Name], ComponentChildren>>;

function themeLabels(): Labels<"theme"> {
  return { system: t("settings.system"), light: t("settings.light"), dark: t("settings.dark") };
}

function densityLabels(): Labels<"density"> {
  return { comfortable: t("settings.comfortable"), compact: t("settings.compact") };
}

function languageLabels(): Labels<"language"> {
  const own = Object.entries(languageNames).map(([language, name]) => [language, <span lang={language}>{name}</span>]);
  return { system: t("settings.system"), ...(Object.fromEntries(own) as Omit<Labels<"language">, "system">) };
}

function notificationLabels(): Labels<"notifications"> {
  return {
    off: t("settings.notifyOff"),
    mentions: t("settings.notifyMentions"),
    all: t("settings.notifyAll"),
  };
}

function soundLabels(): Labels<"sound"> {
  return { off: t("settings.soundOff"), on: t("settings.soundOn") };
}

/** Asks the browser for its permission, and says so if it is denied. */
function PermissionHint() {
  const [permission, setPermission] = useState(noticePermission());
  useEffect(() => {
    if (permission === "default") void askPermission().then(setPermission);
  }, []);
  return permission === "denied" ? <p class="hint">{t("notice.denied")}</p> : null;
}

interface ChoiceProps<Name extends keyof Settings> {
  readonly name: Name;
  readonly label: string;
  readonly value: Settings[Name];
  readonly labels: Labels<Name>;
}

/** A setting with a few choices, side by side. */
function Choice<Name extends keyof Settings>({ name, label, value, labels }: ChoiceProps<Name>) {
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      <div class="segments">
        {choices[name].map((choice) => (
          <label key={choice}>
            <input
              type="radio"
              name={name}
              value={choice}
              checked={choice === value}
              onChange={() => changeSettings({ [name]: choice } as Partial<Settings>)}
            />
            <span>{labels[choice as Settings[Name]]}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
