import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import type { QuoteRow } from "../../state/message-rows";
import { plainText } from "../../text";
import { Icon } from "../controls/icons";

interface QuoteButtonProps {
  readonly quote: QuoteRow;
  readonly tabIndex: number;
  readonly dispatch: Dispatch;
}

/** The message that a reply answers; a click goes there. */
export function QuoteButton({ quote, tabIndex, dispatch }: QuoteButtonProps) {
  const { by, text, deleted, sequence } = quote;
  if (deleted) {
    return (
      <p class="quote">
        <Icon name="reply" />
        <i>{t("log.deletedQuote")}</i>
      </p>
    );
  }
  return (
    <button
      type="button"
      class="quote"
      tabIndex={tabIndex}
      title={t("log.goToQuote")}
      onClick={() => dispatch({ type: "goTo", sequence })}
    >
      <Icon name="reply" />
      <span class="sr-only">{t("log.inReplyTo")} </span>
      {by ? <bdi class="name">{by.name || t("log.anonymous")}</bdi> : <i>{t("log.earlierQuote")}</i>}
      {text !== null && <bdi class="words">{plainText(text)}</bdi>}
    </button>
  );
}
