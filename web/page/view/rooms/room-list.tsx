import type { TargetedFocusEvent, TargetedMouseEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DirectoryState } from "../../../client";
import { roomPath } from "../../state/address";
import { roomCount, unreadBadge } from "../../state/labels";
import {
  filterRooms,
  firstRooms,
  groupRooms,
  groupsSize,
  keepOrder,
  type RoomGroups,
  type RoomItem,
} from "../../state/room-groups";
import { OpenRoomForm } from "./open-room-form";
import { RoomFilter } from "./room-filter";

/** How many rooms are drawn, and how many more each time the end is reached. */
const batchSize = 100;
/** From this number of rooms on there is a filter. */
const filterFrom = 10;

interface Props {
  readonly directory: DirectoryState;
  readonly current: string;
  /** The display name of the current room, which is known before the list is. */
  readonly displayName: string;
  /** Whether the order never changes: the list is open to choose one room. */
  readonly fixedOrder: boolean;
  readonly onRoom: (room: string) => void;
  /** Reads the next page of the list. */
  readonly onMore: () => void;
}

/** The list of rooms, and a form to open others. */
export function RoomList({ directory, current, displayName, fixedOrder, onRoom, onMore }: Props) {
  const { rooms, loading, problem } = directory;
  const [filter, setFilter] = useState("");
  const [limit, setLimit] = useState(batchSize);
  const [isInUse, listeners] = useInUse();
  const grouped = useMemo(() => groupRooms(rooms, current), [rooms, current]);
  const all = useFixedOrder(grouped, fixedOrder || isInUse);
  const found = useMemo(() => filterRooms(all, filter), [all, filter]);
  const shown = useMemo(() => firstRooms(found, limit), [found, limit]);

  const isFiltered = filter.trim() !== "";
  const isCut = groupsSize(found) > limit;
  const hasMore = rooms !== null && rooms.nextToken !== "";
  // With a filter that few rooms match, the list would read all pages by itself.
  const loadsByItself = isCut || (!isFiltered && problem === "");
  const setFilterText = (text: string) => {
    setFilter(text);
    setLimit(batchSize);
  };
  const openFirst = () => {
    const item = found.visited[0] ?? found.others[0];
    if (!item) return;
    setFilterText("");
    onRoom(item.name);
  };
  const moreLabel = isFiltered && !isCut ? "Search more rooms" : "More rooms";
  const links = { current, displayName, onRoom };
  return (
    <div class="room-list">
      {(groupsSize(all) >= filterFrom || isFiltered) && (
        <RoomFilter
          text={filter}
          matches={groupsSize(found)}
          hasMore={hasMore}
          onText={setFilterText}
          onSubmit={openFirst}
        />
      )}
      <div
        class="room-links"
        {...listeners}
        onScroll={(event) => event.currentTarget.scrollTop === 0 && setLimit(batchSize)}
      >
        <RoomLinks items={shown.visited} {...links} />
        {shown.others.length > 0 && (
          <h3>
            Other rooms <span class="count">{roomCount(found.others.length, hasMore)}</span>
          </h3>
        )}
        <RoomLinks items={shown.others} {...links} />
        {isFiltered && groupsSize(found) === 0 && <p class="hint">No room matches.</p>}
        {problem !== "" && <p class="problem">The rooms could not be listed. {problem}</p>}
        {(isCut || hasMore || problem !== "") && (
          <MoreButton
            label={problem !== "" && !isCut ? "Try again" : moreLabel}
            busy={loading && !isCut}
            shownCount={loadsByItself ? groupsSize(shown) : null}
            onMore={() => (isCut ? setLimit(limit + batchSize) : onMore())}
          />
        )}
      </div>
      <OpenRoomForm onRoom={onRoom} />
    </div>
  );
}

/** Returns whether the pointer or the keyboard is in an element, and the element's listeners. */
function useInUse() {
  const [hasPointer, setPointer] = useState(false);
  const [hasFocus, setFocus] = useState(false);
  const listeners = {
    onPointerEnter: () => setPointer(true),
    onPointerLeave: () => setPointer(false),
    // A click leaves the focus in the element as well, but not visibly.
    onFocusIn: (event: TargetedFocusEvent<HTMLElement>) =>
      setFocus((event.target as HTMLElement).matches(":focus-visible")),
    onFocusOut: () => setFocus(false),
  };
  return [hasPointer || hasFocus, listeners] as const;
}

/** Returns the groups, while isFixed in the order from before. */
function useFixedOrder(groups: RoomGroups, isFixed: boolean): RoomGroups {
  const last = useRef(groups);
  return useMemo(() => {
    last.current = isFixed ? keepOrder(groups, last.current) : groups;
    return last.current;
  }, [groups, isFixed]);
}

interface RoomLinksProps extends Pick<Props, "current" | "displayName" | "onRoom"> {
  readonly items: readonly RoomItem[];
}

function RoomLinks({ items, current, displayName, onRoom }: RoomLinksProps) {
  const onRoomRef = useRef(onRoom);
  onRoomRef.current = onRoom;
  const list = useMemo(
    () => (
      // biome-ignore lint/a11y/noRedundantRoles: Safari drops the role of a list without markers.
      <ul role="list">
        {items.map((item) => {
          const isCurrent = item.name === current;
          const shown = isCurrent ? { ...item, displayName } : item;
          return (
            <li key={item.name}>
              <RoomLink item={shown} isCurrent={isCurrent} onRoomRef={onRoomRef} />
            </li>
          );
        })}
      </ul>
    ),
    [items, current, displayName],
  );
  return items.length > 0 ? list : null;
}

interface RoomLinkProps {
  readonly item: RoomItem;
  readonly isCurrent: boolean;
  readonly onRoomRef: { readonly current: Props["onRoom"] };
}

function RoomLink({ item, isCurrent, onRoomRef }: RoomLinkProps) {
  const { name, displayName, topic } = item;
  const follow = (event: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // a new tab or window
    event.preventDefault();
    onRoomRef.current(name);
  };
  const badge = unreadBadge(item.unread);
  return (
    <a
      class="room-link"
      href={roomPath(name)}
      aria-current={isCurrent ? "page" : undefined}
      title={[`#${name}`, topic].filter(Boolean).join(": ")}
      data-unread={badge !== ""}
      onClick={follow}
    >
      <span class="hash" aria-hidden="true">
        #
      </span>
      <bdi class="label">{displayName || name}</bdi>
      {badge !== "" && (
        <span class="badge">
          {badge}
          <span class="sr-only"> unread</span>
        </span>
      )}
    </a>
  );
}

interface MoreButtonProps {
  readonly label: string;
  readonly busy: boolean;
  /**
   * How many rooms are shown. The button presses itself when it comes into view, and
   * again when the number changes and it is still in view. Null: only a click counts.
   */
  readonly shownCount: number | null;
  readonly onMore: () => void;
}

function MoreButton({ label, busy, shownCount, onMore }: MoreButtonProps) {
  const button = useRef<HTMLButtonElement>(null);
  const latest = useRef(onMore);
  latest.current = onMore;
  useEffect(() => {
    const { current } = button;
    if (shownCount === null || busy || !current) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.at(-1)?.isIntersecting) latest.current();
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [shownCount, busy]);
  return (
    <button
      ref={button}
      type="button"
      class="quiet small load-more"
      aria-disabled={busy}
      onClick={() => !busy && onMore()}
    >
      {busy ? "Loading…" : label}
    </button>
  );
}
