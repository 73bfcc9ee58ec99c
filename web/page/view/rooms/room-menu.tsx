import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { type MessageKey, t } from "../../i18n";
import type { RoomItem } from "../../state/room-groups";
import { type NotifyLevel, roomSettings } from "../../state/room-settings";
import { placeAt } from "../controls/place";
import { RoomIcon, type RoomIconName } from "./room-icons";

interface Props {
  readonly item: RoomItem;
  readonly at: DOMRectReadOnly;
  /** Null for a room that cannot be left. */
  readonly onLeave: (() => void) | null;
  /** Null for a room of which nothing is unread. */
  readonly onMarkRead: (() => void) | null;
  /** Null for a room that is not on screen. */
  readonly onAbout: (() => void) | null;
  readonly onCopyLink: () => void;
  readonly onClose: () => void;
}

const levels: readonly (readonly [NotifyLevel, MessageKey])[] = [
  ["all", "rooms.notifyAll"],
  ["mentions", "rooms.notifyMentions"],
  ["nothing", "rooms.notifyNothing"],
];

/** The menu of a room. The browser closes it on Esc and on a click elsewhere. */
export function RoomMenu({ item, at, onLeave, onMarkRead, onAbout, onCopyLink, onClose }: Props) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const { current } = menu;
    if (!current) return;
    current.showPopover();
    placeAt(current, at);
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
  const entry = (label: MessageKey, icon: RoomIconName, act: () => void, danger = false) => (
    <button type="button" role="menuitem" class={danger ? "quiet danger" : "quiet"} onClick={closeAnd(act)}>
      <RoomIcon name={icon} />
      {t(label)}
    </button>
  );
  return (
    <div
      ref={menu}
      class="menu room-menu"
      popover="auto"
      role="menu"
      tabIndex={-1}
      aria-label={t("rooms.actionsFor", { room: item.displayName || item.name })}
      onToggle={(event) => event.newState === "closed" && onClose()}
      onKeyDown={moveFocus}
    >
      {onMarkRead && entry("rooms.markRead", "check", onMarkRead)}
      {entry("rooms.copyLink", "link", onCopyLink)}
      {onAbout && entry("rooms.about", "info", onAbout)}
      <Group label={t("rooms.notify")}>
        {levels.map(([level, label]) => (
          <button
            key={level}
            type="button"
            role="menuitemradio"
            class="quiet"
            aria-checked={item.level === level}
            onClick={closeAnd(() => roomSettings.setLevel(item.name, level))}
          >
            {item.level === level ? <RoomIcon name="check" /> : <span class="no-icon" />}
            {t(label)}
          </button>
        ))}
      </Group>
      {onLeave && entry("rooms.leave", "leave", onLeave, true)}
    </div>
  );
}

function Group({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <div class="menu-group" role="group" aria-label={label}>
      <p aria-hidden="true">{label}</p>
      {children}
    </div>
  );
}

/** The arrows, Home and End move the focus, and Tab leaves. */
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
