import type { SessionState } from "../../../client";
import type { Dispatch } from "../../state/act";
import { avatarLetter, memberHue } from "../../state/avatar";
import { memberCount, personCount, unreadBadge } from "../../state/labels";
import { selfOf } from "../../state/message-rows";
import { Icon } from "../controls/icons";
import { NameMarkTag } from "../controls/name-mark";
import { ConnectionStatus } from "./connection-status";

interface Props {
  readonly state: SessionState;
  readonly dispatch: Dispatch;
  /** How many messages are unread in other rooms. */
  readonly unread: number;
  /** Opens the list of rooms; null if it is on screen. */
  readonly onRooms: (() => void) | null;
  readonly onAbout: () => void;
  /** Whether the members are shown beside the messages. */
  readonly membersShown: boolean;
  readonly onMembers: () => void;
  readonly onRename: () => void;
}

/** The bar above the messages. */
export function TopBar({ state, dispatch, unread, onRooms, onAbout, membersShown, onMembers, onRename }: Props) {
  const { room, profile, presence, auth } = state;
  const badge = unreadBadge(unread);
  const self = selfOf(state);
  const whoLabel = auth.identity?.account ? "Your account" : "Change your name";
  return (
    <header class="bar">
      {onRooms && (
        <button
          type="button"
          class="quiet icon-only to-rooms"
          aria-haspopup="dialog"
          aria-label={badge ? `Rooms, ${badge} unread` : "Rooms"}
          onClick={onRooms}
        >
          <Icon name="rooms" />
          {badge !== "" && (
            <span class="badge" aria-hidden="true">
              {badge}
            </span>
          )}
        </button>
      )}
      <h1>
        <button type="button" class="title" title="About this room" aria-haspopup="dialog" onClick={onAbout}>
          {profile.displayName === "" ? (
            <>
              <span class="hash">#</span>
              {room}
            </>
          ) : (
            <bdi>{profile.displayName}</bdi>
          )}
        </button>
      </h1>
      <ConnectionStatus connection={state.connection} dispatch={dispatch} />
      {profile.topic !== "" && (
        <p class="topic" title={profile.topic}>
          <bdi>{profile.topic}</bdi>
        </p>
      )}
      <button
        type="button"
        class="quiet to-people"
        aria-expanded={membersShown}
        aria-label={presence.self ? `${personCount(presence.count)} here` : "Who is here"}
        title="Who is here"
        onClick={onMembers}
      >
        <Icon name="people" />
        <span>{memberCount(presence)}</span>
      </button>
      {auth.name !== "" && (
        <button type="button" id="who" class="quiet who" title={whoLabel} onClick={onRename}>
          <span class="sr-only">{whoLabel}, </span>
          <span class="avatar" data-hue={memberHue(auth.memberIds.at(-1) ?? "")} aria-hidden="true">
            {avatarLetter(auth.name)}
          </span>
          <bdi>{self.name || auth.name}</bdi>
          <NameMarkTag mark={self.mark} />
        </button>
      )}
    </header>
  );
}
