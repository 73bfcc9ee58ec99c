import { type MessageKey, t } from "../../i18n";
import { isApple, shortcuts, shownKeys } from "../../keyboard/shortcuts";
import { Dialog } from "../controls/dialog";

const formats: readonly (readonly [string, MessageKey])[] = [
  ["**…**", "composer.helpBold"],
  ["_…_", "composer.helpItalic"],
  ["~~…~~", "composer.helpStrike"],
  ["`…`", "composer.helpCode"],
  ["```", "composer.helpCodeBlock"],
  ["> …", "composer.helpQuote"],
  ["- …", "composer.helpList"],
  ["@…", "composer.helpMention"],
  [":…", "composer.helpEmoji"],
];
const keys = (): readonly (readonly [string, MessageKey])[] => [
  ["Enter", "composer.helpSend"],
  ["Shift+Enter", "composer.helpNewLine"],
  ["↑", "composer.helpEditLast"],
  [shownKeys("Mod+B", isApple()), "composer.helpBold"],
  [shownKeys("Mod+I", isApple()), "composer.helpItalic"],
  [shownKeys("Mod+Shift+X", isApple()), "composer.helpStrike"],
];
const commands: readonly (readonly [string, MessageKey])[] = [
  ["/me", "composer.commandMe"],
  ["/nick", "composer.commandNick"],
  ["/topic", "composer.commandTopic"],
  ["/shrug", "composer.commandShrug"],
  ["/help", "composer.commandHelp"],
  ["//", "composer.commandEscape"],
];

/** How to format a message, the keys of the composer and of the page, and the commands. */
export function WritingHelp({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title={t("composer.help")} kind="middle" onClose={onClose}>
      <HelpList heading={t("composer.helpFormatting")} rows={formats} />
      <HelpList heading={t("composer.helpKeys")} rows={keys()} />
      <HelpList
        heading={t("composer.helpEverywhere")}
        rows={shortcuts().map(({ keys, description }) => [shownKeys(keys, isApple()), description])}
      />
      <HelpList heading={t("composer.helpCommands")} rows={commands} />
    </Dialog>
  );
}

interface HelpListProps {
  readonly heading: string;
  readonly rows: readonly (readonly [string, MessageKey])[];
}

function HelpList({ heading, rows }: HelpListProps) {
  return (
    <section class="writing-help">
      <h3>{heading}</h3>
      <dl>
        {rows.map(([input, meaning]) => (
          <div key={input}>
            <dt>
              <code>{input}</code>
            </dt>
            <dd>{t(meaning)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
