import { useEffect, useMemo, useState } from "preact/hooks";
import type { DirectoryState, Unsent } from "../../../client";
import { t } from "../../i18n";
import { useShortcuts } from "../../keyboard/shortcuts";
import type { Mentions } from "../../notice/notice";
import { groupRooms, neighbourRoom, type RoomGroups, type RoomItem, roomBadge } from "../../state/room-groups";
import { type RoomSettings, roomSettings } from "../../state/room-settings";
import { copyText } from "../controls/copy";
import { toast } from "../controls/toast";
import { useLoaded } from "../controls/use-loaded";
import type { RoomActions } from "./room-actions";
import type { RoomLinkActions } from "./room-link";

interface Options {
  readonly directory: DirectoryState;
  readonly current: string;
  readonly unsent: ReadonlyMap<string, Unsent>;
  /** The text of each room that was not sent. */
  readonly drafts: ReadonlySet<string>;
  /** The unread messages that mention the user, by room. */
  readonly mentions: Mentions;
  /** Whether the user has a name. */
  readonly isNamed: boolean;
  readonly actions: RoomActions;
  /** Shows what the current room is about. */
  readonly onAbout: () => void;
}

type Shown =
  | { readonly kind: "switcher" }
  | { readonly kind: "create"; readonly name: string }
  | { readonly kind: "leave"; readonly item: RoomItem }
  | { readonly kind: "menu"; readonly item: RoomItem; readonly at: DOMRectReadOnly };

/** What the parts of the page do with rooms, and the dialogs and the menu that belong to it. */
export function useRooms(options: Options) {
  const { directory, current, unsent, drafts, mentions, isNamed, actions, onAbout } = options;
  const settings = useRoomSettings();
  const [shown, setShown] = useState<Shown | null>(null);
  const draftNames = [...drafts].sort().join(" ");
  const groups = useMemo(
    () => groupRooms(directory.rooms, current, { settings, unsent, drafts, mentions }),
    [directory.rooms, current, settings, unsent, draftNames, mentions],
  );
  // The event that a dialog or a menu has closed may come when another one is shown already.
  const close = () => setShown((now) => (now === shown ? null : now));
  const openSwitcher = () => setShown({ kind: "switcher" });
  const openCreate = (name = "") => setShown({ kind: "create", name });
  const go = (step: 1 | -1, onlyUnread: boolean) => () => {
    const next = neighbourRoom(groups.visited, current, step, onlyUnread);
    if (next) actions.open(next);
  };
  useShortcuts([
    { keys: "Mod+K", description: "room-dialogs.shortcutSwitch", run: openSwitcher },
    { keys: "Alt+ArrowUp", description: "room-dialogs.shortcutPrevious", run: go(-1, false) },
    { keys: "Alt+ArrowDown", description: "room-dialogs.shortcutNext", run: go(1, false) },
    { keys: "Alt+Shift+ArrowUp", description: "room-dialogs.shortcutPreviousUnread", run: go(-1, true) },
    { keys: "Alt+Shift+ArrowDown", description: "room-dialogs.shortcutNextUnread", run: go(1, true) },
  ]);
  const leave = (item: RoomItem) => {
    if (item.name === current) actions.open(afterLeaving(groups, current));
    actions.leave(item.name);
  };
  const askToLeave = (item: RoomItem) => {
    if (item.unsent || item.hasDraft) setShown({ kind: "leave", item });
    else leave(item);
  };
  const links: RoomLinkActions = {
    onRoom: actions.open,
    onMenu: (item, at) => setShown({ kind: "menu", item, at }),
  };
  const canLeave = ({ name }: RoomItem) =>
    groups.visited.some((item) => item.name === name) && (name !== current || afterLeaving(groups, name) !== name);
  const views = useLoaded(shown !== null, () => import("./dialogs"));
  const copyLink = async (room: string) => {
    const link = actions.linkTo(room);
    toast((await copyText(link)) ? t("shell.linkCopied") : t("shell.linkIs", { link }));
  };
  // It is a part of the list, as everything outside a modal drawer is inert.
  const menu = shown?.kind === "menu" && views && (
    <views.RoomMenu
      key={shown.item.name}
      item={shown.item}
      at={shown.at}
      onMarkRead={roomBadge(shown.item) === null ? null : () => void actions.markRead(shown.item.name).catch(() => {})}
      onAbout={shown.item.name === current ? onAbout : null}
      onCopyLink={() => void copyLink(shown.item.name)}
      onLeave={canLeave(shown.item) ? () => askToLeave(shown.item) : null}
      onClose={close}
    />
  );
  const dialogs = shown && views && (
    <>
      {shown.kind === "switcher" && (
        <views.RoomSwitcher
          groups={groups}
          current={current}
          canCreate={isNamed}
          onRoom={actions.open}
          onCreate={openCreate}
          onClose={close}
        />
      )}
      {shown.kind === "create" && (
        <views.CreateRoom actions={actions} name={shown.name} canCreate={isNamed} onClose={close} />
      )}
      {shown.kind === "leave" && (
        <views.LeaveRoom item={shown.item} onLeave={() => leave(shown.item)} onClose={close} />
      )}
    </>
  );
  return { groups, links, openSwitcher, openCreate, menu, dialogs };
}

/** Returns where to go from a room that is left: the lobby if no other one was visited. */
function afterLeaving({ visited }: RoomGroups, room: string): string {
  return visited.find(({ name }) => name !== room)?.name ?? "lobby";
}

function useRoomSettings(): RoomSettings {
  const [settings, setSettings] = useState(() => roomSettings.getSnapshot());
  useEffect(() => roomSettings.subscribe(() => setSettings(roomSettings.getSnapshot())), []);
  return settings;
}
