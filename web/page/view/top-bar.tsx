import { Icon } from "./icons";
import { badge } from "../../client/rooms/room-list";
import { hueOf, initialOf } from "../state/message-rows";
import type { State } from "../../client/session/step";
import { headcount } from "./member-list";
import { Status } from "./connection-status";
import type { Dispatch } from "./page";

interface Props {
  readonly state: State;
  readonly dispatch: Dispatch;
  /** How many messages are unread in other rooms. */
  readonly unread: number;
  /** Opens the list of rooms; null where it is always there. */
  readonly onRooms: (() => void) | null;
  readonly onAbout: () => void;
  /** Whether the people are shown beside the messages. */
  readonly peopleBeside: boolean;
  readonly onPeople: () => void;
  readonly onName: () => void;
}

/** The bar above the messages. The state of the connection is the first thing in it that is read out. */
export function Bar({ state, dispatch, unread, onRooms, onAbout, peopleBeside, onPeople, onName }: Props) {
  const { room, presented, people, who } = state;
  const waiting = badge(unread);
  return (
    <header class="bar">
      {onRooms && (
        <button type="button" class="quiet icon-only to-rooms" aria-haspopup="dialog" aria-label={waiting ? `Rooms, ${waiting} unread` : "Rooms"} onClick={onRooms}>
          <Icon name="rooms" />
          {waiting !== "" && <span class="badge" aria-hidden="true">{waiting}</span>}
        </button>
      )}
      <h1>
        <button type="button" class="title" title="About this room" aria-haspopup="dialog" onClick={onAbout}>
          {presented.displayName === "" ? <><span class="sign">#</span>{room}</> : <bdi>{presented.displayName}</bdi>}
        </button>
      </h1>
      <Status state={state} dispatch={dispatch} />
      {presented.topic !== "" && <p class="topic" title={presented.topic}><bdi>{presented.topic}</bdi></p>}
      <button type="button" class="quiet to-people" aria-expanded={peopleBeside} aria-label={`${headcount(people.count)} here`} title="Who is here" onClick={onPeople}>
        <Icon name="people" />
        <span>{people.count.toLocaleString()}</span>
      </button>
      {who.name !== "" && (
        <button type="button" id="who" class="quiet who" title="Change your name" onClick={onName}>
          <span class="hidden">Change your name, </span>
          <span class="avatar" data-hue={hueOf(who.ids.at(-1) ?? "")} aria-hidden="true">{initialOf(who.name)}</span>
          <bdi>{who.name}</bdi>
        </button>
      )}
    </header>
  );
}
