import { useLayoutEffect, useRef } from "preact/hooks";
import type { MessageRow } from "../../state/message-rows";
import { Icon } from "../controls/icons";
import { copyText } from "../text/copy-text";

/** The emoji that the menu offers, and their names. */
const palette: readonly (readonly [string, string])[] = [
  ["👍", "Thumbs up"],
  ["❤️", "Heart"],
  ["😂", "Laughing"],
  ["🎉", "Party"],
  ["😮", "Surprised"],
  ["😢", "Sad"],
];

/** The space between the menu, its button and the edge of the window, in pixels. */
const margin = 6;

interface Props {
  readonly row: MessageRow;
  /** The button that opened the menu. */
  readonly button: HTMLElement;
  readonly canReact: boolean;
  readonly canReply: boolean;
  readonly canEdit: boolean;
  readonly canDelete: boolean;
  readonly onReact: (emoji: string) => void;
  readonly onReply: () => void;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
  readonly onClose: () => void;
}

/** The actions for a message. The browser closes the menu on Esc and on a click elsewhere. */
export function MessageMenu(props: Props) {
  const { row, button, canReact, canReply, canEdit, canDelete, onReact, onReply, onEdit, onDelete, onClose } = props;
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
      aria-label="Actions for this message"
      onToggle={(event) => event.newState === "closed" && onClose()}
      onKeyDown={moveFocus}
    >
      {canReact && (
        <div class="palette" role="group" aria-label="React">
          {palette.map(([emoji, name]) => (
            <button
              key={emoji}
              type="button"
              class="quiet emoji"
              aria-label={name}
              aria-pressed={isPressed(emoji)}
              onClick={closeAnd(() => onReact(emoji))}
            >
              {emoji}
            </button>
          ))}
        </div>
      )}
      {canReply && (
        <button type="button" class="quiet" onClick={closeAnd(onReply)}>
          <Icon name="reply" />
          Reply
        </button>
      )}
      <button type="button" class="quiet" onClick={closeAnd(() => void copyText(row.text))}>
        <Icon name="copy" />
        Copy text
      </button>
      {canEdit && (
        <button type="button" class="quiet" onClick={closeAnd(onEdit)}>
          <Icon name="edit" />
          Edit
        </button>
      )}
      {canDelete && (
        <button type="button" class="quiet danger" onClick={closeAnd(onDelete)}>
          <Icon name="trash" />
          Delete…
        </button>
      )}
    </div>
  );
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
