import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "./icons";
import type { MessageRow } from "../state/message-rows";

/** The emoji that are always offered, and what they are called. */
const palette: readonly (readonly [string, string])[] = [
  ["👍", "Thumbs up"],
  ["❤️", "Heart"],
  ["😂", "Laughing"],
  ["🎉", "Party"],
  ["😮", "Surprised"],
  ["😢", "Sad"],
];

/** The space between the menu, its button and the edge of the window, in pixels. */
const space = 6;

interface Props {
  readonly row: MessageRow;
  /** The button that opened it. */
  readonly beside: HTMLElement;
  /** Whether the visitor has a name. */
  readonly may: boolean;
  readonly onReact: (emoji: string) => void;
  readonly onReply: () => void;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
  readonly onClose: () => void;
}

/** What can be done at a message. The browser closes it on Esc and on a click elsewhere. */
export function Menu({ row, beside, may, onReact, onReply, onEdit, onDelete, onClose }: Props) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = menu;
    if (!current) return undefined;
    current.showPopover();
    place(current, beside);
    current.querySelector("button")?.focus({ preventScroll: true });
    return () => current.isConnected && current.hidePopover();
  }, []);

  // The focus goes back to the button before anything else takes it.
  const then = (act: () => void) => () => {
    menu.current?.hidePopover();
    act();
  };
  const isOurs = (emoji: string) => row.chips.some((chip) => chip.emoji === emoji && chip.ours);
  return (
    <div
      ref={menu} class="menu" popover="auto" role="dialog" aria-label="Actions for this message"
      onToggle={(event) => event.newState === "closed" && onClose()} onKeyDown={walk}
    >
      {may && (
        <div class="palette" role="group" aria-label="React">
          {palette.map(([emoji, name]) => (
            <button key={emoji} type="button" class="quiet emoji" aria-label={name} aria-pressed={isOurs(emoji)} onClick={then(() => onReact(emoji))}>
              {emoji}
            </button>
          ))}
        </div>
      )}
      {may && <button type="button" class="quiet" onClick={then(onReply)}><Icon name="reply" />Reply</button>}
      <button type="button" class="quiet" onClick={then(() => copy(row.text))}><Icon name="copy" />Copy text</button>
      {may && row.ours && <button type="button" class="quiet" onClick={then(onEdit)}><Icon name="edit" />Edit</button>}
      {may && row.ours && <button type="button" class="quiet danger" onClick={then(onDelete)}><Icon name="trash" />Delete…</button>}
    </div>
  );
}

/** Puts the menu above its button, or below where there is no room. Small screens have their own place for it. */
function place(menu: HTMLElement, beside: HTMLElement): void {
  const at = beside.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const above = at.top - height - space;
  const top = above >= space ? above : Math.min(at.bottom + space, innerHeight - height - space);
  menu.style.setProperty("--x", `${Math.max(space, Math.min(at.right - width, innerWidth - width - space))}px`);
  menu.style.setProperty("--y", `${Math.max(space, top)}px`);
}

/** The arrow keys go from button to button. */
function walk(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const buttons = [...(event.currentTarget as HTMLElement).querySelectorAll("button")];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  buttons[(at + step + buttons.length) % buttons.length]?.focus();
  event.preventDefault();
}

function copy(text: string): void {
  // Over plain http from other machines there is no clipboard.
  navigator.clipboard?.writeText(text).catch(() => {});
}
