import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";
import { type CloseAnd, type Placement, Popover } from "./popover";

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
        <Menu
          label={label}
          placement={{ anchor: button.current, side: "below", align: "end" }}
          onClose={() => setOpen(false)}
        >
          {(closeAnd) =>
            items.map((item) => (
              <button
                key={item.label}
                type="button"
                role="menuitem"
                tabIndex={-1}
                class={item.danger ? "quiet danger" : "quiet"}
                onClick={closeAnd(item.onSelect)}
              >
                <Icon name={item.icon} />
                {item.label}
              </button>
            ))
          }
        </Menu>
      )}
    </>
  );
}

interface MenuProps {
  readonly label: string;
  readonly placement: Placement;
  readonly onClose: () => void;
  /** Its items: buttons. */
  readonly children: (closeAnd: CloseAnd) => ComponentChildren;
}

/** A menu: the arrow keys, Home and End move the focus from item to item, and Tab leaves it. */
export function Menu({ label, placement, onClose, children }: MenuProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Tab") return moveFocus(event);
    event.preventDefault();
    (event.currentTarget as HTMLElement).hidePopover();
  };
  return (
    <Popover class="menu" role="menu" label={label} placement={placement} onClose={onClose} onKeyDown={onKeyDown}>
      {children}
    </Popover>
  );
}

/** Moves the focus from control to control by the arrow keys, and to the ends by Home and End. */
export function moveFocus(event: KeyboardEvent, selector = "button"): void {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const buttons = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>(selector)];
  const at = buttons.indexOf(event.target as HTMLElement);
  const { length } = buttons;
  const next = (at + 1) % length;
  const previous = (at - 1 + length) % length;
  const to = {
    ArrowDown: next,
    ArrowRight: next,
    ArrowUp: previous,
    ArrowLeft: previous,
    Home: 0,
    End: length - 1,
  }[event.key];
  if (to === undefined) return;
  buttons[to]?.focus();
  event.preventDefault();
}
