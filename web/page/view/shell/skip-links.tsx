import { t } from "../../i18n";

/** The first stops of the Tab key: past the rooms, to where one reads and writes. */
export function SkipLinks() {
  return (
    <div class="skip-links">
      <button type="button" class="skip" onClick={() => focus("[role=log]")}>
        {t("shell.skipToMessages")}
      </button>
      <button type="button" class="skip" onClick={() => focus("#text, #name")}>
        {t("shell.skipToWriting")}
      </button>
    </div>
  );
}

function focus(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}
