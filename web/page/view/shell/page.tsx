import { useEffect, useState } from "preact/hooks";
import {
  type DirectoryState,
  isOpen,
  type Member,
  type RoomProfile,
  rightsOf,
  type SessionState,
  type Unsent,
  unreadElsewhere,
} from "../../../client";
import type { Moderation } from "../../../client/moderation";
import { language, t } from "../../i18n";
import { useShortcuts } from "../../keyboard/shortcuts";
import type { Mentions } from "../../notice/notice";
import { settings } from "../../settings/store";
import type { Dispatch } from "../../state/act";
import { connectionReport, isDisconnected } from "../../state/connection-report";
import type { Drafts } from "../../state/drafts";
import { memberCount } from "../../state/labels";
import { copyText } from "../controls/copy";
import { Dialog } from "../controls/dialog";
import type { MenuItem } from "../controls/menu";
import { ToastArea, toast } from "../controls/toast";
import { useLoaded } from "../controls/use-loaded";
import { useStore } from "../controls/use-store";
import { Room } from "../log/room";
import { LooksContext } from "../people/looks";
import { MemberList } from "../people/member-list";
import { usePeople } from "../people/use-people";
import type { RoomActions } from "../rooms/room-actions";
import { RoomList } from "../rooms/room-list";
import { useRooms } from "../rooms/use-rooms";
import { ConnectionBanner } from "./banner";
import { fitsMembers, fitsRooms, useMediaQuery } from "./media-query";
import type { AccountProvider } from "./name-field";
import { NoticeOffer } from "./notice-offer";
import { OwnProfile } from "./own-profile";
import { RefusedRoom, UnreadRoom } from "./placeholders";
import { Sidebar } from "./sidebar";
import { SkipLinks } from "./skip-links";
import { TopBar } from "./top-bar";
import { Welcome } from "./welcome";

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
  /** The link to the room, to share. */
  readonly link: string;
  /** What was sent and is not stored yet, by room. */
  readonly unsent: ReadonlyMap<string, Unsent>;
  readonly rooms: RoomActions;
  /** The unread messages that mention the user, by room. */
  readonly mentions: Mentions;
  /** Answers the offer of notifications; null while there is none. */
  readonly onNoticeOffer: ((accepted: boolean) => void) | null;
  /** Reads the next page of the list of rooms. */
  readonly onMoreRooms: () => void;
  readonly onSaveProfile: (profile: RoomProfile) => Promise<void>;
  /** Returns the message that came at a time, or the first one after it; null if there is none. */
  readonly onFindTime: (time: number) => Promise<bigint | null>;
  /** Lists more members of the room than are shown. */
  readonly onListMembers: () => Promise<readonly Member[]>;
  /** Loads the calls of moderators. */
  readonly loadModeration: () => Promise<Moderation>;
}

type DialogName = "rooms" | "members" | "about" | "profile" | "settings" | "help";

/** The page: the rooms, the bar, the messages with the composer, and the members. */
export function Page(props: PageProps) {
  const { state, dispatch, drafts, directory, provider, link, unsent, rooms: roomActions } = props;
  const { room, auth, profile, presence } = state;
  const hasRoomSidebar = useMediaQuery(fitsRooms);
  const hasMemberSpace = useMediaQuery(fitsMembers);
  const [wantsMembers, setWantsMembers] = useState(true);
  const [dialog, setDialog] = useState<DialogName | null>(null);
  useStore(settings); // the words and the language of dates may change

  const people = usePeople({
    state,
    onRename: () => setDialog("profile"),
    onMention: () => setDialog(null),
    loadModeration: props.loadModeration,
  });

  const hasMemberSidebar = hasMemberSpace && wantsMembers;
  const membersShown = hasMemberSidebar || dialog === "members";
  useEffect(() => dispatch({ type: "membersShown", shown: membersShown }), [membersShown, dispatch]);
  const token = auth.identity?.token;
  useEffect(() => setDialog((shown) => (shown === "profile" ? null : shown)), [token]);

  const openRoom = (name: string) => {
    setDialog(null);
    roomActions.open(name);
  };
  const rooms = useRooms({
    directory,
    current: room,
    unsent,
    drafts: drafts.rooms(),
    mentions: props.mentions,
    isNamed: auth.identity !== null,
    actions: { ...roomActions, open: openRoom },
    onAbout: () => setDialog("about"),
  });
  const openProfile = () => setDialog("profile");
  const openSettings = () => setDialog("settings");
  const openHelp = () => setDialog("help");
  useShortcuts([
    { keys: "Mod+/", description: "composer.commandHelp", run: openHelp },
    { keys: "?", description: "composer.helpOutside", run: openHelp },
  ]);
  const copyLink = () => {
    void copyText(link).then((ok) => toast(ok ? t("shell.linkCopied") : t("shell.linkIs", { link })));
  };
  const onRooms = hasRoomSidebar ? null : () => setDialog("rooms");
  const menu: MenuItem[] = [
    { label: t("shell.about"), icon: "info", onSelect: () => setDialog("about") },
    { label: t("shell.copyLink"), icon: "link", onSelect: copyLink },
    { label: t("shell.settings"), icon: "settings", onSelect: openSettings },
    { label: t("shell.help"), icon: "help", onSelect: openHelp },
  ];
  if (!hasRoomSidebar && auth.name !== "") {
    menu.push({ label: t("shell.profile"), icon: "user", onSelect: openProfile });
  }
  const roomList = (
    <RoomList
      key={language()}
      directory={directory}
      groups={rooms.groups}
      current={room}
      displayName={profile.displayName}
      fixedOrder={!hasRoomSidebar}
      actions={rooms.links}
      menu={rooms.menu}
      onSwitch={rooms.openSwitcher}
      onCreate={() => rooms.openCreate()}
      onMore={props.onMoreRooms}
    />
  );
  const ownProfile = <OwnProfile state={state} onProfile={openProfile} onSettings={openSettings} />;
  const members = memberCount(presence);
  const memberList = (
    <MemberList
      key={language()}
      presence={presence}
      auth={auth}
      connected={isOpen(state.connection)}
      onList={props.onListMembers}
      card={people.listCard}
      onModeration={people.onModeration}
    />
  );
  return (
    <LooksContext.Provider value={people.looks}>
      <div class="page" data-rooms={hasRoomSidebar} data-people={hasMemberSidebar}>
        <SkipLinks />
        {hasRoomSidebar && <Sidebar foot={ownProfile}>{roomList}</Sidebar>}
        <TopBar
          state={state}
          unread={unreadElsewhere(directory.rooms, room)}
          onRooms={onRooms}
          onAbout={() => setDialog("about")}
          membersShown={hasMemberSidebar}
          onMembers={() => (hasMemberSpace ? setWantsMembers(!wantsMembers) : setDialog("members"))}
          menu={menu}
        />
        <Conversation
          state={state}
          dispatch={dispatch}
          provider={provider}
          drafts={drafts}
          onSaveProfile={props.onSaveProfile}
          onNoticeOffer={props.onNoticeOffer}
          link={link}
          onFindTime={props.onFindTime}
          onHelp={openHelp}
          onInvite={copyLink}
          onRoom={openRoom}
          onRooms={onRooms}
        />
        {hasMemberSidebar && (
          <aside class="sidebar people" aria-label={t("shell.people")}>
            <h2>
              {t("shell.people")} <span class="count">{members}</span>
            </h2>
            {memberList}
          </aside>
        )}
        {dialog === "rooms" && !hasRoomSidebar && (
          <Dialog title={t("rooms.title")} kind="start" onClose={() => setDialog(null)}>
            {roomList}
            {ownProfile}
          </Dialog>
        )}
        {dialog === "members" && !hasMemberSpace && (
          <Dialog
            title={members ? t("shell.peopleCount", { count: members }) : t("shell.people")}
            kind="end"
            onClose={() => setDialog(null)}
          >
            {memberList}
          </Dialog>
        )}
        {rooms.dialogs}
        {people.dialogs}
        <MiddleDialog {...props} shown={dialog} onSettings={openSettings} onClose={() => setDialog(null)} />
        <ToastArea />
      </div>
    </LooksContext.Provider>
  );
}

interface ConversationProps
  extends Pick<
    PageProps,
    "state" | "dispatch" | "drafts" | "provider" | "onSaveProfile" | "onNoticeOffer" | "link" | "onFindTime"
  > {
  readonly onRoom: (room: string) => void;
  readonly onHelp: () => void;
  readonly onInvite: () => void;
  /** Opens the list of rooms; null if it is on screen. */
  readonly onRooms: (() => void) | null;
}

/** The messages and the composer, or what is said in their place. */
function Conversation(props: ConversationProps) {
  const { state, dispatch, provider, drafts, onSaveProfile, onInvite, onRoom, onRooms } = props;
  const { auth, feed, room } = state;
  const report = connectionReport(state);
  const isUnread = isDisconnected(report) && !feed.caughtUpOnce;
  const needsName = !auth.identity && (auth.name === "" || auth.failure !== null);
  const welcome = needsName ? (
    <Welcome auth={auth} dispatch={dispatch} provider={provider} onInvite={onInvite} />
  ) : null;
  return (
    <>
      <ConnectionBanner
        report={report}
        hidden={isUnread}
        onSignIn={provider ? provider.onSignIn : null}
        dispatch={dispatch}
      />
      {props.onNoticeOffer && report.kind === "live" && <NoticeOffer onAnswer={props.onNoticeOffer} />}
      {report.kind === "refused" ? (
        <RefusedRoom state={state} welcome={welcome} dispatch={dispatch} onRoom={onRoom} onRooms={onRooms} />
      ) : (
        <Room
          key={`${room} ${language()}`}
          state={state}
          dispatch={dispatch}
          drafts={drafts}
          onSaveProfile={onSaveProfile}
          link={props.link}
          onFindTime={props.onFindTime}
          onHelp={props.onHelp}
          welcome={welcome}
        />
      )}
      {isUnread && <UnreadRoom report={report} dispatch={dispatch} />}
    </>
  );
}

interface MiddleDialogProps extends PageProps {
  readonly shown: DialogName | null;
  readonly onSettings: () => void;
  readonly onClose: () => void;
}

/** The dialogs in the middle of the page. */
function MiddleDialog({ shown, state, dispatch, provider, onSaveProfile, onSettings, onClose }: MiddleDialogProps) {
  const { auth, room, profile } = state;
  const isWanted = shown !== null && shown !== "rooms" && shown !== "members";
  const views = useLoaded(isWanted, () => import("./dialogs"));
  if (!views) return null;
  switch (shown) {
    case "help":
      return <views.WritingHelp onClose={onClose} />;
    case "settings":
      return <views.SettingsDialog onClose={onClose} />;
    case "profile":
      return (
        <views.ProfileDialog
          state={state}
          dispatch={dispatch}
          provider={provider}
          onSettings={onSettings}
          onClose={onClose}
        />
      );
    case "about": {
      const mayManage = auth.identity !== null && rightsOf(state)?.manage !== false;
      return (
        <Dialog title={t("rooms.about")} kind="middle" onClose={onClose}>
          <views.AboutRoom
            room={room}
            profile={profile}
            onSave={mayManage ? onSaveProfile : null}
            isNamed={auth.identity !== null}
            onDone={onClose}
          />
        </Dialog>
      );
    }
    default:
      return null;
  }
}
