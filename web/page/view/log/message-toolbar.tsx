import { t } from "../../i18n";
import type { MessageRow } from "../../state/message-rows";
import { Icon } from "../controls/icons";
import type { MessageActions } from "./message-actions";

/** The emoji that a click on the toolbar reacts with. */
const quickReactions = ["👍", "❤️", "😂"];

interface Props {
  readonly row: MessageRow;
  readonly name: string;
  /** Whether the Tab key reaches it. */
  readonly tabIndex: number;
  readonly canReact: boolean;
  /** Whether the pointer or the focus is at the message: otherwise only the button of the menu is there. */
  readonly isNear: boolean;
  readonly actions: MessageActions;
}

/** What can be done with a message, shown beside it while the pointer or the focus is there. */
export function MessageToolbar({ row, name, tabIndex, canReact, isNear, actions }: Props) {
  return (
    <div class="toolbar">
      {isNear &&
        canReact &&
        quickReactions.map((emoji) => (
          <button
            key={emoji}
            type="button"
            class="quiet quick emoji"
            tabIndex={-1}
            title={t("log.reactWith", { emoji })}
            aria-label={t("log.reactWith", { emoji })}
            onClick={() => actions.toggleReaction(row, emoji)}
          >
            {emoji}
          </button>
        ))}
      {isNear && canReact && (
        <button
          type="button"
          class="quiet quick"
          tabIndex={tabIndex}
          title={t("log.react")}
          aria-label={t("log.react")}
          aria-haspopup="dialog"
          onClick={(event) => actions.pickReaction(row, event.currentTarget)}
        >
          <Icon name="smile" />
        </button>
      )}
      {isNear && (
        <button
          type="button"
          class="quiet quick"
          tabIndex={tabIndex}
          title={t("log.reply")}
          aria-label={t("log.reply")}
          onClick={() => actions.reply(row)}
        >
          <Icon name="reply" />
        </button>
      )}
      <button
        type="button"
        class="quiet more"
        tabIndex={tabIndex}
        aria-haspopup="dialog"
        title={t("log.actionsHere")}
        aria-label={t("log.actions", { name })}
        onClick={(event) => actions.openMenu(row, event.currentTarget)}
      >
        <Icon name="more" />
      </button>
    </div>
  );
}
