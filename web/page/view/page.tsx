// The page: a bar, the rooms, the messages, below them a place to write or to give
// a name, and who is there. Views only show a state and say what was done.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Listed } from "../../client/rooms/room-directory";
import { useMedia, veryWide, wide } from "./media-query";
import type { Presented } from "../../client/model";
import { counted, unreadBeside } from "../../client/rooms/room-list";
import { isOpen, type Input, type State } from "../../client/session/step";
import { About } from "./about-room";
import { Bar } from "./top-bar";
import { Dialog } from "./dialog";
import { PeopleList } from "./member-list";
import { Room } from "./room";
import { RoomList } from "./room-list";

export type Dispatch = (input: Input) => void;

export interface PageProps {
  readonly state: State;
  readonly dispatch: Dispatch;
  readonly listed: Listed;
  /** A new id for something said. */
  readonly newId: () => string;
  /** Goes to a room. */
  readonly onRoom: (room: string) => void;
  /** Reads more of the list of rooms. */
  readonly onMoreRooms: () => void;
  readonly onPresent: (presented: Presented) => Promise<void>;
}

/** What lies over the page. */
type Over = "rooms" | "people" | "about" | null;

export function Page({ state, dispatch, listed, newId, onRoom, onMoreRooms, onPresent }: PageProps) {
  const { room, people, who, presented } = state;
  const roomsBeside = useMedia(wide);
  const roomForPeople = useMedia(veryWide);
  const [wantsPeople, setWantsPeople] = useState(true);
  const [over, setOver] = useState<Over>(null);
  const [renaming, setRenaming] = useState(false);
  const drafts = useRef(new Map<string, string>()).current;

  const peopleBeside = roomForPeople && wantsPeople;
  const peopleShown = peopleBeside || over === "people";
  useEffect(() => dispatch({ type: "peopleShown", shown: peopleShown }), [peopleShown, dispatch]);
  const token = who.identity?.token;
  useEffect(() => setRenaming(false), [token]);

  const close = () => setOver(null);
  const stopRenaming = () => {
    setRenaming(false);
    document.getElementById("who")?.focus();
  };
  const rooms = (
    <RoomList
      listed={listed} current={room} displayName={presented.displayName} steady={!roomsBeside}
      onRoom={(to) => (close(), onRoom(to))} onMore={onMoreRooms}
    />
  );
  const howMany = listed.rooms ? counted(listed.rooms.known.size, listed.rooms.next !== "") : "";
  const list = <PeopleList people={people} who={who} connected={isOpen(state.link)} />;
  return (
    <div class="page" data-rooms={roomsBeside} data-people={peopleBeside}>
      <Bar
        state={state} dispatch={dispatch} unread={unreadBeside(listed.rooms, room)}
        onRooms={roomsBeside ? null : () => setOver("rooms")} onAbout={() => setOver("about")}
        peopleBeside={peopleBeside} onPeople={() => (roomForPeople ? setWantsPeople(!wantsPeople) : setOver("people"))}
        onName={() => setRenaming(true)}
      />
      {roomsBeside && <nav class="side rooms" aria-label="Rooms"><h2>Rooms <span class="count">{howMany}</span></h2>{rooms}</nav>}
      <Room
        key={room} state={state} dispatch={dispatch} newId={newId} drafts={drafts}
        renaming={renaming} onRenamed={stopRenaming}
      />
      {peopleBeside && <aside class="side people" aria-label="People"><h2>People <span class="count">{people.count.toLocaleString()}</span></h2>{list}</aside>}
      {over === "rooms" && !roomsBeside && <Dialog title={howMany ? `Rooms: ${howMany}` : "Rooms"} kind="start" onClose={close}>{rooms}</Dialog>}
      {over === "people" && !roomForPeople && <Dialog title={`People: ${people.count.toLocaleString()}`} kind="end" onClose={close}>{list}</Dialog>}
      {over === "about" && (
        <Dialog title="About this room" kind="middle" onClose={close}>
          <About room={room} presented={presented} onPresent={who.identity ? onPresent : null} onDone={close} />
        </Dialog>
      )}
    </div>
  );
}

/** Shown instead of a room when the address names none. */
export function NoRoom() {
  return (
    <main class="note">
      <h1>There is no such room</h1>
      <p>A room’s name has 1 to 64 characters: a to z, 0 to 9, dot, hyphen and underscore.</p>
      <p><a href="?room=lobby#">Go to the lobby</a></p>
    </main>
  );
}
