import { t } from "../../i18n";

interface Props {
  readonly onReload: () => void;
}

/** Says that the page must be loaded again to work as a whole. */
export function OutdatedNotice({ onReload }: Props) {
  return (
    <div class="outdated" role="alert">
      <span>{t("shell.outdated")}</span>
      <button type="button" onClick={onReload}>
        {t("shell.reload")}
      </button>
    </div>
  );
}
