import { t } from "../../i18n";
import { Icon } from "../controls/icons";

/** Offers notifications to a user who was mentioned while away. */
export function NoticeOffer({ onAnswer }: { readonly onAnswer: (accepted: boolean) => void }) {
  return (
    <div class="banner" data-kind="offer" data-shown="true">
      <Icon name="mention" />
      <p role="status">{t("notice.askTitle")}</p>
      <button type="button" class="small outlined" onClick={() => onAnswer(true)}>
        {t("notice.ask")}
      </button>
      <button type="button" class="small quiet" onClick={() => onAnswer(false)}>
        {t("notice.notNow")}
      </button>
    </div>
  );
}
