import { t } from "../../i18n";
import type { MessageRow } from "../../state/message-rows";
import { copyText } from "../controls/copy";
import { Icon } from "../controls/icons";
import { moveFocus } from "../controls/menu";
import { Popover } from "../controls/popover";
import { fullTime } from "../controls/time";
import { toast } from "../controls/toast";

/** The emoji that the menu offers. */
const palette = ["👍", "❤️", "😂", "🎉", "😮", "😢"];

interface Props {
  readonly row: MessageRow;
  /** The address of the message. */
  readonly link: string;
  /** What opened the menu. */
  readonly button: HTMLElement;
  readonly canReact: boolean;
  readonly canReply: boolean;
  readonly canEdit: boolean;
  readonly canDelete: boolean;
  readonly onReact: (emoji: string) => void;
  /** Shows all emoji. */
  readonly onPick: () => void;
  /** Shows who reacted. */
  readonly onReactors: () => void;
  readonly onReply: () => void;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
  readonly onClose: () => void;
}

/** The actions for a message. */
export function MessageMenu(props: Props) {
  const { row, link, button, canReact, canReply, canEdit, canDelete } = props;
  const { onReact, onPick, onReactors, onReply, onEdit, onDelete, onClose } = props;
  const isPressed = (emoji: string) => row.reactions.some((reaction) => reaction.emoji === emoji && reaction.own);
  return (
    <Popover
      class="menu"
      role="dialog"
      label={t("log.actionsHere")}
      placement={{ anchor: button, side: "above", align: "end" }}
      onClose={onClose}
      onKeyDown={moveFocus}
    >
      {(closeAnd) => (
        <>
          <p class="menu-time">{fullTime(row.time)}</p>
          {canReact && (
            <div class="palette" role="group" aria-label={t("log.react")}>
              {palette.map((emoji) => (
                <button
                  key={emoji}
                  type="button"
                  class="quiet emoji"
                  aria-label={t("log.reactWith", { emoji })}
                  aria-pressed={isPressed(emoji)}
                  onClick={closeAnd(() => onReact(emoji))}
                >
                  {emoji}
                </button>
              ))}
              <button type="button" class="quiet" aria-label={t("log.reactMore")} onClick={closeAnd(onPick)}>
                <Icon name="smile" />
              </button>
            </div>
          )}
          {canReply && (
            <button type="button" class="quiet" onClick={closeAnd(onReply)}>
              <Icon name="reply" />
              {t("log.reply")}
            </button>
          )}
          <button type="button" class="quiet" onClick={closeAnd(() => copy(row.text))}>
            <Icon name="copy" />
            {t("log.copyText")}
          </button>
          <button type="button" class="quiet" onClick={closeAnd(() => copy(link))}>
            <Icon name="link" />
            {t("log.copyLink")}
          </button>
          {row.reactions.length > 0 && (
            <button type="button" class="quiet" onClick={closeAnd(onReactors)}>
              <Icon name="people" />
              {t("log.whoReacted")}
            </button>
          )}
          {canEdit && (
            <button type="button" class="quiet" onClick={closeAnd(onEdit)}>
              <Icon name="edit" />
              {t("log.edit")}
            </button>
          )}
          {canDelete && (
            <button type="button" class="quiet danger" onClick={closeAnd(onDelete)}>
              <Icon name="trash" />
              {t("log.deleteMenu")}
            </button>
          )}
        </>
      )}
    </Popover>
  );
}

function copy(text: string): void {
  void copyText(text).then((isCopied) => toast(isCopied ? t("log.copied") : t("log.notCopied")));
}
