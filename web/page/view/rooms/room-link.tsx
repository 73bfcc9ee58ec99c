import type { TargetedMouseEvent } from "preact";
import { locale, t } from "../../i18n";
import { roomPath } from "../../state/address";
import { unreadBadge } from "../../state/labels";
import { relativeTime } from "../../state/relative-time";
import { type RoomItem, roomBadge } from "../../state/room-groups";
import { plainDisplayName, roomTitle } from "../../state/room-title";
import { Icon } from "../controls/icons";

export interface RoomLinkActions {
  readonly onRoom: (room: string) => void;
  /** Opens the menu of a room at a point or an element. */
  readonly onMenu: (item: RoomItem, at: DOMRectReadOnly) => void;
}

interface Props {
  readonly item: RoomItem;
  readonly isCurrent: boolean;
  /** Whether the Tab key reaches its controls: those of one room are reached. */
  readonly isStop: boolean;
  /** The time now: last activity is relative to it. */
  readonly now: number;
  readonly actions: { readonly current: RoomLinkActions };
}

/** A room in the list, and the button of its menu. */
export function RoomLink({ item, isCurrent, isStop, now, actions }: Props) {
  const { name, topic, level, lastActivity } = item;
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab or window
    event.preventDefault();
    actions.current.onRoom(name);
  };
  const openMenu = (event: TargetedMouseEvent<HTMLElement>) => {
    event.preventDefault();
    const isPointed = event.type === "contextmenu" && event.clientX > 0;
    const at = isPointed ? new DOMRect(event.clientX, event.clientY) : event.currentTarget.getBoundingClientRect();
    actions.current.onMenu(item, at);
  };
  const badge = roomBadge(item);
  const tabIndex = isStop ? 0 : -1;
  return (
    <li class="room-item" data-row={name}>
      <a
        class="room-link"
        href={roomPath(name)}
        data-room={name}
        data-level={level}
        data-unread={typeof badge === "number"}
        tabIndex={tabIndex}
        aria-current={isCurrent ? "page" : undefined}
        title={[`#${name}`, topic].filter(Boolean).join(": ")}
        onClick={follow}
        onContextMenu={openMenu}
      >
        <RoomGlyph item={item} />
        <bdi class="label">{roomLabel(item)}</bdi>
        {item.isAlike && <span class="address one-line">#{name}</span>}
        <span class="room-marks">
          <UnsentMark item={item} />
          {item.hasDraft && !isCurrent && <Mark icon="edit" kind="draft" label={t("rooms.draft")} />}
          {level !== "all" && <Mark icon="muted" kind="muted" label={t(levelLabels[level])} />}
          {badge === null && !isCurrent && <ActivityTime time={lastActivity} now={now} />}
          <Badge item={item} />
        </span>
      </a>
      <button
        type="button"
        class="quiet icon-only room-more"
        tabIndex={tabIndex}
        aria-haspopup="menu"
        aria-label={t("rooms.actionsFor", { room: roomTitle(name, item.displayName) })}
        title={t("rooms.actions")}
        onClick={openMenu}
      >
        <Icon name="more" />
      </button>
    </li>
  );
}

const levelLabels = { mentions: "rooms.mutedExceptMentions", nothing: "rooms.muted" } as const;

const leadingEmoji =
  /^\s*((?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2})(?:\ufe0f|\p{Emoji_Modifier}|\u200d\p{Extended_Pictographic})*)\s*/u;

/** An emoji that the display name begins with is the room's sign, otherwise a hash. */
export function RoomGlyph({ item }: { readonly item: RoomItem }) {
  const emoji = leadingEmoji.exec(item.displayName)?.[1];
  return (
    <span class="room-glyph" aria-hidden="true">
      {emoji ?? <Icon name="room" size={16} />}
    </span>
  );
}

/** Returns what a room is called beside its sign. */
export function roomLabel({ name, displayName }: RoomItem): string {
  return plainDisplayName(displayName.replace(leadingEmoji, "")) || name;
}

interface MarkProps {
  readonly icon: "edit" | "muted" | "waiting" | "failed";
  readonly kind: string;
  readonly label: string;
}

function Mark({ icon, kind, label }: MarkProps) {
  return (
    <span class="room-mark" data-mark={kind} title={label}>
      <Icon name={icon} size={14} />
      <span class="sr-only">{label}</span>
    </span>
  );
}

function UnsentMark({ item: { unsent } }: { readonly item: RoomItem }) {
  if (!unsent) return null;
  if (unsent.failed > 0) {
    return <Mark icon="failed" kind="failed" label={t("rooms.failed", { count: unsent.failed })} />;
  }
  return <Mark icon="waiting" kind="unsent" label={t("rooms.unsent", { count: unsent.waiting })} />;
}

function ActivityTime({ time, now }: { readonly time: number; readonly now: number }) {
  const ago = relativeTime(time, now, locale());
  if (ago === "") return null;
  return (
    <time class="room-time" datetime={new Date(time).toISOString()}>
      {ago}
    </time>
  );
}

function Badge({ item }: { readonly item: RoomItem }) {
  const badge = roomBadge(item);
  if (badge === null) return null;
  const { unread, mentions = 0 } = item;
  const label =
    mentions > 0 ? t("rooms.mentions", { count: mentions }) : t("rooms.unread", { count: unreadBadge(unread) });
  if (badge === "dot") {
    return (
      <span class="room-dot" title={label}>
        <span class="sr-only">{label}</span>
      </span>
    );
  }
  return (
    <span class="badge" data-mention={mentions > 0}>
      <span aria-hidden="true">{mentions > 0 ? `@${mentions}` : unreadBadge(unread)}</span>
      <span class="sr-only">{label}</span>
    </span>
  );
}
