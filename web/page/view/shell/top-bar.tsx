import type { SessionState } from "../../../client";
import { t } from "../../i18n";
import { memberCount, unreadBadge } from "../../state/labels";
import { plainDisplayName, spellsName } from "../../state/room-title";
import { Icon } from "../controls/icons";
import { MenuButton, type MenuItem } from "../controls/menu";

interface Props {
  readonly state: SessionState;
  /** How many messages are unread in other rooms. */
  readonly unread: number;
  /** Opens the list of rooms; null if it is on screen. */
  readonly onRooms: (() => void) | null;
  readonly onAbout: () => void;
  /** Whether the members are shown beside the messages. */
  readonly membersShown: boolean;
  readonly onMembers: () => void;
  readonly menu: readonly MenuItem[];
}

/** The bar above the messages: where one is, and what one can do there. */
export function TopBar({ state, unread, onRooms, onAbout, membersShown, onMembers, menu }: Props) {
  const { room, profile, presence } = state;
  const badge = unreadBadge(unread);
  const count = memberCount(presence);
  const peopleLabel = presence.self ? t("shell.peopleHere", { count: presence.count }) : t("shell.whoIsHere");
  return (
    <header class="bar">
      {onRooms && (
        <button
          type="button"
          class="quiet icon-only to-rooms"
          aria-haspopup="dialog"
          title={t("rooms.title")}
          aria-label={badge ? t("shell.roomsUnread", { badge }) : t("rooms.title")}
          onClick={onRooms}
        >
          <Icon name="rooms" size={20} />
          {badge !== "" && (
            <span class="badge" aria-hidden="true">
              {badge}
            </span>
          )}
        </button>
      )}
      <h1>
        <button type="button" class="quiet title" title={t("shell.about")} aria-haspopup="dialog" onClick={onAbout}>
          <Icon name="room" />
          <bdi>{plainDisplayName(profile.displayName) || room}</bdi>
        </button>
        {!spellsName(room, profile.displayName) && <span class="address one-line">#{room}</span>}
      </h1>
      {profile.topic !== "" && (
        <p class="topic" title={profile.topic}>
          <bdi>{profile.topic}</bdi>
        </p>
      )}
      <div class="bar-end">
        <button
          type="button"
          class="quiet to-people"
          aria-expanded={membersShown}
          aria-label={peopleLabel}
          title={peopleLabel}
          onClick={onMembers}
        >
          <Icon name="people" />
          {count !== "" && <span>{count}</span>}
        </button>
        <MenuButton label={t("shell.menu")} icon="more" items={menu} />
      </div>
    </header>
  );
}
