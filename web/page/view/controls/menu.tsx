import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

/** The space between a menu, its button and the edge of the window, in pixels. */
const margin = 6;

export interface MenuItem {
  readonly label: string;
  readonly icon: IconName;
  readonly danger?: boolean;
  readonly onSelect: () => void;
}

interface MenuButtonProps {
  readonly label: string;
  readonly icon: IconName;
  readonly items: readonly MenuItem[];
}

/** A button with an icon that opens a menu of actions. */
export function MenuButton({ label, icon, items }: MenuButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);
  // A press on the button closes the menu before the click, which must not open it again.
  const wasOpen = useRef(false);
  return (
    <>
      <button
        ref={button}
        type="button"
        class="quiet icon-only"
        title={label}
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        onPointerDown={() => {
          wasOpen.current = isOpen;
        }}
        onClick={() => {
          setOpen(!wasOpen.current);
          wasOpen.current = false;
        }}
      >
        <Icon name={icon} />
      </button>
      {isOpen && button.current && (
        <Menu label={label} items={items} button={button.current} onClose={() => setOpen(false)} />
      )}
    </>
  );
}

interface MenuProps {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly button: HTMLElement;
  readonly onClose: () => void;
}

/** A menu under its button. The browser closes it on Esc and on a click elsewhere. */
function Menu({ label, items, button, onClose }: MenuProps) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = menu;
    if (!current) return;
    current.showPopover();
    moveUnder(current, button);
    current.querySelector("button")?.focus({ preventScroll: true });
    return () => {
      if (current.isConnected) current.hidePopover();
    };
  }, []);
  // The menu closes first: it restores the focus, which the action may move.
  const select = (item: MenuItem) => {
    menu.current?.hidePopover();
    item.onSelect();
  };
  return (
    <div
      ref={menu}
      class="menu"
      popover="auto"
      role="menu"
      tabIndex={-1}
      aria-label={label}
      onToggle={(event) => event.newState === "closed" && onClose()}
      onKeyDown={moveFocus}
    >
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          class={item.danger ? "quiet danger" : "quiet"}
          onClick={() => select(item)}
        >
          <Icon name={item.icon} />
          {item.label}
        </button>
      ))}
    </div>
  );
}

/** Puts the menu under its button, within the window. On small screens the style sheet decides. */
function moveUnder(menu: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const isRightToLeft = getComputedStyle(button).direction === "rtl";
  const left = Math.min(isRightToLeft ? at.left : at.right - width, innerWidth - width - margin);
  const below = at.bottom + margin;
  const top = below + height + margin <= innerHeight ? below : at.top - height - margin;
  menu.style.setProperty("--x", `${Math.max(margin, left)}px`);
  menu.style.setProperty("--y", `${Math.max(margin, top)}px`);
}

/** The keys of a menu: the arrows, Home and End move the focus, and Tab leaves. */
function moveFocus(event: KeyboardEvent): void {
  const menu = event.currentTarget as HTMLElement;
  if (event.key === "Tab") {
    event.preventDefault();
    menu.hidePopover();
    return;
  }
  const buttons = [...menu.querySelectorAll("button")];
  const at = buttons.indexOf(event.target as HTMLButtonElement);
  const { length } = buttons;
  const to = { ArrowDown: (at + 1) % length, ArrowUp: (at - 1 + length) % length, Home: 0, End: length - 1 }[event.key];
  if (to === undefined) return;
  buttons[to]?.focus();
  event.preventDefault();
}
