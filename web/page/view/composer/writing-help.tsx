import { type MessageKey, t } from "../../i18n";
import { isApple, shortcuts, shownKeys } from "../../keyboard/shortcuts";
import { Dialog } from "../controls/dialog";
import "../../styles/help.css";

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
const moves: readonly (readonly [string, MessageKey])[] = [
  ["Tab", "composer.helpTab"],
  ["Shift+Tab", "composer.helpToMessages"],
  ["↑ ↓", "composer.helpArrows"],
  ["Enter", "composer.helpActions"],
  ["Esc", "composer.helpBack"],
];
const commands: readonly (readonly [string, MessageKey])[] = [
  ["/me", "composer.commandMe"],
  ["/nick", "composer.commandNick"],
  ["/topic", "composer.commandTopic"],
  ["/shrug", "composer.commandShrug"],
  ["/help", "composer.commandHelp"],
  ["//", "composer.commandEscape"],
];

/** How to format a message, the keys of the composer, of lists and of the page, and the commands. */
export function WritingHelp({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title={t("shell.help")} kind="middle" onClose={onClose}>
      <div class="help-lists">
        <HelpList heading={t("composer.helpFormatting")} input="code" rows={formats} />
        <HelpList heading={t("composer.helpKeys")} input="kbd" rows={keys()} />
        <HelpList
          heading={t("composer.helpEverywhere")}
          input="kbd"
          rows={shortcuts().map(({ keys, description }) => [shownKeys(keys, isApple()), description])}
        />
        <HelpList heading={t("composer.helpMoves")} input="kbd" rows={moves} />
        <HelpList heading={t("composer.helpCommands")} input="code" rows={commands} />
      </div>
    </Dialog>
  );
}

interface HelpListProps {
  readonly heading: string;
  /** What the rows begin with: keys, or text that is written. */
  readonly input: "kbd" | "code";
  readonly rows: readonly (readonly [string, MessageKey])[];
}

function HelpList({ heading, input: Input, rows }: HelpListProps) {
  return (
    <section class="writing-help">
      <h3>{heading}</h3>
      <dl>
        {rows.map(([input, meaning]) => (
          <div key={input}>
            <dt>
              <Input>{input}</Input>
            </dt>
            <dd>{t(meaning)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
