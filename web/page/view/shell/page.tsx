import { useEffect, useState } from "preact/hooks";
import {
  type DirectoryState,
  isOpen,
  type RoomProfile,
  rightsOf,
  type SessionState,
  type Unsent,
  unreadElsewhere,
} from "../../../client";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { roomPath } from "../../state/address";
import type { Drafts } from "../../state/drafts";
import { memberCount, roomCount } from "../../state/labels";
import type { AccountProvider } from "../composer/name-form";
import { Dialog } from "../controls/dialog";
import { Room } from "../log/room";
import { MemberList } from "../people/member-list";
import { AboutRoom } from "../rooms/about-room";
import type { RoomActions } from "../rooms/room-actions";
import { RoomList } from "../rooms/room-list";
import { useRooms } from "../rooms/use-rooms";
import { fitsMembers, fitsRooms, useMediaQuery } from "./media-query";
import { TopBar } from "./top-bar";

export interface PageProps {
  readonly state: SessionState;
  /** The message that the address names; 0 for none. */
  readonly named: bigint;
  readonly dispatch: Dispatch;
  /** The unsent words of each room. */
  readonly drafts: Drafts;
  readonly directory: DirectoryState;
  /** Where to sign in with an account; null if the server offers none. */
  readonly provider: AccountProvider | null;
  /** What was sent and is not stored yet, by room. */
  readonly unsent: ReadonlyMap<string, Unsent>;
  readonly rooms: RoomActions;
  /** Reads the next page of the list of rooms. */
  readonly onMoreRooms: () => void;
  readonly onSaveProfile: (profile: RoomProfile) => Promise<void>;
}

/** The page: the bar, the rooms, the messages with the composer, and the members. */
export function Page(props: PageProps) {
  const {
    state,
    dispatch,
    drafts,
    directory,
    provider,
    unsent,
    rooms: roomActions,
    onMoreRooms,
    onSaveProfile,
  } = props;
  const { room, presence, auth, profile } = state;
  const hasRoomSidebar = useMediaQuery(fitsRooms);
  const hasMemberSpace = useMediaQuery(fitsMembers);
  const [wantsMembers, setWantsMembers] = useState(true);
  const [dialog, setDialog] = useState<"rooms" | "members" | "about" | null>(null);
  const [renaming, setRenaming] = useState(false);

  const hasMemberSidebar = hasMemberSpace && wantsMembers;
  const membersShown = hasMemberSidebar || dialog === "members";
  useEffect(() => dispatch({ type: "membersShown", shown: membersShown }), [membersShown, dispatch]);
  const token = auth.identity?.token;
  useEffect(() => setRenaming(false), [token]);

  const closeDialog = () => setDialog(null);
  const stopRenaming = () => {
    setRenaming(false);
    document.getElementById("who")?.focus();
  };
  const openRoom = (name: string) => {
    closeDialog();
    roomActions.open(name);
  };
  const rooms = useRooms({
    directory,
    current: room,
    unsent,
    drafts: drafts.rooms(),
    isNamed: auth.identity !== null,
    actions: { ...roomActions, open: openRoom },
    onAbout: () => setDialog("about"),
  });
  const count = directory.rooms ? roomCount(directory.rooms.known.size, directory.rooms.nextToken !== "") : "";
  const members = memberCount(presence);
  const mayManage = auth.identity !== null && rightsOf(state)?.manage !== false;
  const roomList = (
    <RoomList
      directory={directory}
      groups={rooms.groups}
      current={room}
      displayName={profile.displayName}
      fixedOrder={!hasRoomSidebar}
      actions={rooms.links}
      onSwitch={rooms.openSwitcher}
      onCreate={() => rooms.openCreate()}
      onMore={onMoreRooms}
    />
  );
  const memberList = <MemberList presence={presence} auth={auth} connected={isOpen(state.connection)} />;
  return (
    <div class="page" data-rooms={hasRoomSidebar} data-people={hasMemberSidebar}>
      <TopBar
        state={state}
        dispatch={dispatch}
        unread={unreadElsewhere(directory.rooms, room)}
        onRooms={hasRoomSidebar ? null : () => setDialog("rooms")}
        onAbout={() => setDialog("about")}
        membersShown={hasMemberSidebar}
        onMembers={() => (hasMemberSpace ? setWantsMembers(!wantsMembers) : setDialog("members"))}
        onRename={() => setRenaming(true)}
      />
      {hasRoomSidebar && (
        <nav class="sidebar rooms" aria-label={t("rooms.title")}>
          <h2>
            {t("rooms.title")} <span class="count">{count}</span>
          </h2>
          {roomList}
        </nav>
      )}
      <Room
        key={room}
        state={state}
        dispatch={dispatch}
        drafts={drafts}
        onSaveProfile={onSaveProfile}
        provider={provider}
        renaming={renaming}
        onRenamed={stopRenaming}
      />
      {hasMemberSidebar && (
        <aside class="sidebar people" aria-label="People">
          <h2>
            People <span class="count">{members}</span>
          </h2>
          {memberList}
        </aside>
      )}
      {dialog === "rooms" && !hasRoomSidebar && (
        <Dialog title={t("rooms.title")} kind="start" onClose={closeDialog}>
          {roomList}
        </Dialog>
      )}
      {dialog === "members" && !hasMemberSpace && (
        <Dialog title={members ? `People: ${members}` : "People"} kind="end" onClose={closeDialog}>
          {memberList}
        </Dialog>
      )}
      {rooms.dialogs}
      {dialog === "about" && (
        <Dialog title={t("rooms.about")} kind="middle" onClose={closeDialog}>
          <AboutRoom
            room={room}
            profile={profile}
            onSave={mayManage ? onSaveProfile : null}
            isNamed={auth.identity !== null}
            onDone={closeDialog}
          />
        </Dialog>
      )}
    </div>
  );
}

/** Shown instead of a room when the address has no valid name. */
export function InvalidRoom() {
  return (
    <main class="note">
      <h1>This is not a room’s name</h1>
      <p>A room’s name has 1 to 64 characters: a to z, 0 to 9, dot, hyphen and underscore.</p>
      <p>
        <a href={roomPath("lobby")}>Go to the lobby</a>
      </p>
    </main>
  );
}
