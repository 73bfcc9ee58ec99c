import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../../i18n";
import type { MessageRow } from "../../state/message-rows";
import { copyText } from "../controls/copy";
import { Icon } from "../controls/icons";
import { fullTime } from "../controls/time";
import { toast } from "../controls/toast";

/** The emoji that the menu offers. */
const palette = ["👍", "❤️", "😂", "🎉", "😮", "😢"];

/** The space between the menu, its button and the edge of the window, in pixels. */
const margin = 6;

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

/** The actions for a message. The browser closes the menu on Esc and on a click elsewhere. */
export function MessageMenu(props: Props) {
  const { row, link, button, canReact, canReply, canEdit, canDelete } = props;
  const { onReact, onPick, onReactors, onReply, onEdit, onDelete, onClose } = props;
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = menu;
    if (!current) return;
    current.showPopover();
    moveBeside(current, button);
    current.querySelector("button")?.focus({ preventScroll: true });
    return () => {
      if (current.isConnected) current.hidePopover();
    };
  }, []);

  // The menu closes first: it restores the focus, which the action may move.
  const closeAnd = (act: () => void) => () => {
    menu.current?.hidePopover();
    act();
  };
  const isPressed = (emoji: string) => row.reactions.some((reaction) => reaction.emoji === emoji && reaction.own);
  return (
    <div
      ref={menu}
      class="menu"
      popover="auto"
      role="dialog"
      aria-label={t("log.actionsHere")}
      onToggle={(event) => event.newState === "closed" && onClose()}
      onKeyDown={moveFocus}
    >
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
    </div>
  );
}

function copy(text: string): void {
  void copyText(text).then((isCopied) => toast(isCopied ? t("log.copied") : t("log.notCopied")));
}

/** Puts the menu above its button, or below it if there is no room. On small screens the style sheet decides. */
function moveBeside(menu: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const above = at.top - height - margin;
  const top = above >= margin ? above : Math.min(at.bottom + margin, innerHeight - height - margin);
  const left = Math.min(at.right - width, innerWidth - width - margin);
  menu.style.setProperty("--x", `${Math.max(margin, left)}px`);
  menu.style.setProperty("--y", `${Math.max(margin, top)}px`);
}

/** The arrow keys move the focus from button to button. */
function moveFocus(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const buttons = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  buttons[(at + step + buttons.length) % buttons.length]?.focus();
  event.preventDefault();
}
