import type { TargetedMouseEvent, TargetedSubmitEvent } from "preact";
import { useState } from "preact/hooks";
import { badge, grouped, type Listed } from "./directory";
import { roomNamed } from "./limits";
import type { RoomEntry } from "./model";

interface Props {
  readonly listed: Listed;
  readonly current: string;
  /** The display name of the current room, which is known before the list is. */
  readonly displayName: string;
  /** Goes to a room. */
  readonly onRoom: (room: string) => void;
}

/** The rooms, and a way to others. */
export function RoomList({ listed, current, displayName, onRoom }: Props) {
  const { visited, others } = grouped(listed, current);
  const links = (rooms: readonly RoomEntry[]) => (
    <ul>{rooms.map((room) => <li key={room.name}><RoomLink room={room.name === current ? { ...room, displayName } : room} here={room.name === current} onRoom={onRoom} /></li>)}</ul>
  );
  return (
    <div class="room-list">
      <div class="room-links">
        {links(visited)}
        {others.length > 0 && <h3>Other rooms</h3>}
        {others.length > 0 && links(others)}
        {!listed.rooms && listed.problem !== "" && <p class="problem">The rooms could not be listed. {listed.problem}</p>}
      </div>
      <OpenRoom onRoom={onRoom} />
    </div>
  );
}

function RoomLink({ room, here, onRoom }: { room: RoomEntry; here: boolean; onRoom: Props["onRoom"] }) {
  const go = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab or window
    event.preventDefault();
    onRoom(room.name);
  };
  const unread = badge(room.unread);
  const title = [`#${room.name}`, room.topic].filter(Boolean).join(": ");
  return (
    <a class="room-link" href={`?room=${room.name}`} aria-current={here ? "page" : undefined} title={title} data-unread={unread !== ""} onClick={go}>
      <span class="sign" aria-hidden="true">#</span>
      <bdi class="label">{room.displayName || room.name}</bdi>
      {unread !== "" && <span class="badge">{unread}<span class="hidden"> unread</span></span>}
    </a>
  );
}

function OpenRoom({ onRoom }: { onRoom: Props["onRoom"] }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const room = roomNamed(text);
    if (!room) {
      setProblem("A room’s name has 1 to 64 characters: a to z, 0 to 9, dot, hyphen and underscore.");
      return;
    }
    setText("");
    onRoom(room);
  };
  return (
    <form class="opening" onSubmit={submit}>
      <label for="room">Open or create a room</label>
      <div class="line">
        <input
          id="room" name="room" type="text" maxLength={64} placeholder="its-name" autocomplete="off" autocapitalize="none" spellcheck={false}
          enterkeyhint="go" aria-invalid={problem !== ""} aria-describedby="room-problem"
          value={text} onInput={(event) => (setText(event.currentTarget.value), setProblem(""))}
        />
        <button type="submit" class="plain" disabled={text.trim() === ""}>Open</button>
      </div>
      <p id="room-problem" class="problem" role="alert">{problem}</p>
    </form>
  );
}
