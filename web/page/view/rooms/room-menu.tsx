import { type MessageKey, t } from "../../i18n";
import type { RoomItem } from "../../state/room-groups";
import { type NotifyLevel, roomSettings } from "../../state/room-settings";
import { roomTitle } from "../../state/room-title";
import { Icon, type IconName } from "../controls/icons";
import { Menu } from "../controls/menu";
import type { CloseAnd } from "../controls/popover";

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
  ["all", "room-dialogs.notifyAll"],
  ["mentions", "room-dialogs.notifyMentions"],
  ["nothing", "room-dialogs.notifyNothing"],
];

/** The menu of a room. */
export function RoomMenu({ item, at, onLeave, onMarkRead, onAbout, onCopyLink, onClose }: Props) {
  return (
    <Menu
      label={t("rooms.actionsFor", { room: roomTitle(item.name, item.displayName) })}
      placement={{ anchor: at, side: "below", align: "start" }}
      onClose={onClose}
    >
      {(closeAnd) => {
        const entry = (label: MessageKey, icon: IconName, act: () => void, danger = false) => (
          <button type="button" role="menuitem" class={danger ? "quiet danger" : "quiet"} onClick={closeAnd(act)}>
            <Icon name={icon} />
            {t(label)}
          </button>
        );
        return (
          <>
            {onMarkRead && entry("room-dialogs.markRead", "check", onMarkRead)}
            {entry("room-dialogs.copyLink", "link", onCopyLink)}
            {onAbout && entry("rooms.about", "info", onAbout)}
            <Levels room={item.name} chosen={item.level} closeAnd={closeAnd} />
            {onLeave && entry("room-dialogs.leave", "leave", onLeave, true)}
          </>
        );
      }}
    </Menu>
  );
}

interface LevelsProps {
  readonly room: string;
  readonly chosen: NotifyLevel;
  readonly closeAnd: CloseAnd;
}

/** What the user is notified of in the room. */
function Levels({ room, chosen, closeAnd }: LevelsProps) {
  return (
    <div class="menu-group" role="group" aria-label={t("room-dialogs.notify")}>
      <p aria-hidden="true">{t("room-dialogs.notify")}</p>
      {levels.map(([level, label]) => (
        <button
          key={level}
          type="button"
          role="menuitemradio"
          class="quiet"
          aria-checked={chosen === level}
          onClick={closeAnd(() => roomSettings.setLevel(room, level))}
        >
          {chosen === level ? <Icon name="check" /> : <span class="no-icon" />}
          {t(label)}
        </button>
      ))}
    </div>
  );
}
