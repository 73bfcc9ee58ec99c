import type { TargetedFocusEvent, TargetedMouseEvent, TargetedSubmitEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Listed } from "../../client/rooms/room-directory";
import { first, grouped, held, matching, size, type Entry, type Groups } from "../state/room-groups";
import { roomNamed } from "../../client/limits";
import { badge, counted } from "../../client/rooms/room-list";

/** How many rooms are drawn, and how many more each time the end is reached. */
const stride = 100;
/** From this number of rooms on there is a filter: fewer are seen at a glance. */
const manyRooms = 10;

interface Props {
  readonly listed: Listed;
  readonly current: string;
  /** The display name of the current room, which is known before the list is. */
  readonly displayName: string;
  /** Whether the order never changes: the list is open for one choice. */
  readonly steady: boolean;
  /** Goes to a room. */
  readonly onRoom: (room: string) => void;
  /** Reads the next page of the list. */
  readonly onMore: () => void;
}

/** The rooms, and a way to others. */
export function RoomList({ listed, current, displayName, steady, onRoom, onMore }: Props) {
  const { rooms, asking, problem } = listed;
  const [filter, setFilter] = useState("");
  const [most, setMost] = useState(stride);
  const [inUse, watched] = useInUse();
  const all = useSteady(useMemo(() => grouped(rooms, current), [rooms, current]), steady || inUse);
  const found = useMemo(() => matching(all, filter), [all, filter]);
  const shown = useMemo(() => first(found, most), [found, most]);

  const isFiltered = filter.trim() !== "";
  const isCut = size(found) > most;
  const hasMore = rooms !== null && rooms.next !== "";
  // A filter that few rooms match would read page after page by itself.
  const readsOn = isCut || (!isFiltered && problem === "");
  const narrow = (text: string) => {
    setFilter(text);
    setMost(stride);
  };
  const openFirst = () => {
    const entry = found.visited[0] ?? found.others[0];
    if (!entry) return;
    narrow("");
    onRoom(entry.name);
  };
  const further = isCut ? "More rooms" : problem !== "" ? "Try again" : isFiltered ? "Search more rooms" : "More rooms";
  const links = { current, displayName, onRoom };
  return (
    <div class="room-list">
      {(size(all) >= manyRooms || isFiltered) && (
        <Filter text={filter} matches={size(found)} isOpen={hasMore} onText={narrow} onFirst={openFirst} />
      )}
      <div class="room-links" {...watched} onScroll={(event) => event.currentTarget.scrollTop === 0 && setMost(stride)}>
        <Links entries={shown.visited} {...links} />
        {shown.others.length > 0 && <h3>Other rooms <span class="count">{counted(found.others.length, hasMore)}</span></h3>}
        <Links entries={shown.others} {...links} />
        {isFiltered && size(found) === 0 && <p class="rest">No room matches.</p>}
        {problem !== "" && <p class="problem">The rooms could not be listed. {problem}</p>}
        {(isCut || hasMore || problem !== "") && (
          <Further
            label={further} busy={asking && !isCut} auto={readsOn ? size(shown) : null}
            onFurther={() => (isCut ? setMost(most + stride) : onMore())}
          />
        )}
      </div>
      <OpenRoom onRoom={onRoom} />
    </div>
  );
}

/** Whether the pointer or the keyboard is in an element, and the listeners for it. */
function useInUse() {
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const watched = {
    onPointerEnter: () => setPointed(true),
    onPointerLeave: () => setPointed(false),
    // A click leaves the focus behind, too, but without a sign that it is in use.
    onFocusIn: (event: TargetedFocusEvent<HTMLElement>) => setFocused((event.target as HTMLElement).matches(":focus-visible")),
    onFocusOut: () => setFocused(false),
  };
  return [pointed || focused, watched] as const;
}

/** The groups, in the order that they had when they became steady. */
function useSteady(groups: Groups, steady: boolean): Groups {
  const last = useRef(groups);
  return useMemo(() => (last.current = steady ? held(groups, last.current) : groups), [groups, steady]);
}

interface LinksProps extends Pick<Props, "current" | "displayName" | "onRoom"> {
  readonly entries: readonly Entry[];
}

function Links({ entries, current, displayName, onRoom }: LinksProps) {
  const go = useRef(onRoom);
  go.current = onRoom;
  const list = useMemo(() => (
    <ul role="list">
      {entries.map((entry) => (
        <li key={entry.name}>
          {entry.name === current
            ? <RoomLink entry={{ ...entry, displayName }} here go={go} />
            : <RoomLink entry={entry} here={false} go={go} />}
        </li>
      ))}
    </ul>
  ), [entries, current, displayName]);
  return entries.length > 0 ? list : null;
}

function RoomLink({ entry, here, go }: { entry: Entry; here: boolean; go: { readonly current: Props["onRoom"] } }) {
  const { name, displayName, topic } = entry;
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab or window
    event.preventDefault();
    go.current(name);
  };
  const unread = badge(entry.unread);
  const title = [`#${name}`, topic].filter(Boolean).join(": ");
  return (
    <a class="room-link" href={`?room=${name}`} aria-current={here ? "page" : undefined} title={title} data-unread={unread !== ""} onClick={follow}>
      <span class="sign" aria-hidden="true">#</span>
      <bdi class="label">{displayName || name}</bdi>
      {unread !== "" && <span class="badge">{unread}<span class="hidden"> unread</span></span>}
    </a>
  );
}

interface FilterProps {
  readonly text: string;
  /** How many rooms match. */
  readonly matches: number;
  /** Whether there are rooms that were not looked through. */
  readonly isOpen: boolean;
  readonly onText: (text: string) => void;
  /** Goes to the first room that matches. */
  readonly onFirst: () => void;
}

function Filter({ text, matches, isOpen, onText, onFirst }: FilterProps) {
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (text.trim() !== "") onFirst();
  };
  return (
    <form class="filter" role="search" onSubmit={submit}>
      <input
        type="search" name="filter" aria-label="Filter rooms" placeholder="Filter rooms" autocomplete="off" autocapitalize="none" spellcheck={false}
        enterkeyhint="go" maxLength={80} value={text} onInput={(event) => onText(event.currentTarget.value)}
      />
      <p class="hidden" role="status">{text.trim() === "" ? "" : `${counted(matches, isOpen)} ${matches === 1 ? "room matches" : "rooms match"}`}</p>
    </form>
  );
}

interface FurtherProps {
  readonly label: string;
  /** Whether it is under way. */
  readonly busy: boolean;
  /**
   * Goes further by itself when the button comes into view, and again when this
   * changes and it still is; null for not at all.
   */
  readonly auto: number | null;
  readonly onFurther: () => void;
}

/** A button at the end of the list, which presses itself when the end is reached. */
function Further({ label, busy, auto, onFurther }: FurtherProps) {
  const button = useRef<HTMLButtonElement>(null);
  const latest = useRef(onFurther);
  latest.current = onFurther;
  useEffect(() => {
    if (auto === null || busy) return;
    const observer = new IntersectionObserver((entries) => entries.at(-1)!.isIntersecting && latest.current());
    observer.observe(button.current!);
    return () => observer.disconnect();
  }, [auto, busy]);
  return <button ref={button} type="button" class="quiet small further" aria-disabled={busy} onClick={() => !busy && onFurther()}>{busy ? "Loading…" : label}</button>;
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
