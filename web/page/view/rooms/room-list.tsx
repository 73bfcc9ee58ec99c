import type { ComponentChild, TargetedFocusEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DirectoryState } from "../../../client";
import { t } from "../../i18n";
import { roomCount } from "../../state/labels";
import {
  filterRooms,
  firstRooms,
  groupsSize,
  keepOrder,
  type RoomGroups,
  type RoomItem,
} from "../../state/room-groups";
import { failureText } from "../controls/failure-text";
import { Icon } from "../controls/icons";
import { useOneStop } from "../controls/use-one-stop";
import { RoomFilter } from "./room-filter";
import { RoomLink, type RoomLinkActions } from "./room-link";

/** How many rooms are drawn, and how many more each time the end is reached. */
const batchSize = 100;
/** From this number of rooms on, more than a screen shows, there is a filter. */
const filterFrom = 16;
/** How often the times of last activity are drawn again, in milliseconds. */
const tick = 60_000;

interface Props {
  readonly directory: DirectoryState;
  readonly groups: RoomGroups;
  readonly current: string;
  /** The display name of the current room, which is known before the list is. */
  readonly displayName: string;
  /** Whether the order never changes: the list is open to choose one room. */
  readonly fixedOrder: boolean;
  readonly actions: RoomLinkActions;
  /** The menu of a room that is open. */
  readonly menu: ComponentChild;
  readonly onSwitch: () => void;
  readonly onCreate: () => void;
  /** Reads the next page of the list. */
  readonly onMore: () => void;
}

/** The list of rooms, with ways to find and to create one. */
export function RoomList(props: Props) {
  const { directory, groups, current, displayName, fixedOrder, actions, menu, onSwitch, onCreate, onMore } = props;
  const { rooms, loading, failure } = directory;
  const [filter, setFilter] = useState("");
  const [limit, setLimit] = useState(batchSize);
  const [isInUse, listeners] = useInUse();
  const all = useFixedOrder(groups, fixedOrder || isInUse);
  const found = useMemo(() => filterRooms(all, filter), [all, filter]);
  const shown = useMemo(() => firstRooms(found, limit), [found, limit]);
  const keys = useMemo(() => [...shown.visited, ...shown.others].map(({ name }) => name), [shown]);
  const [stop, stopListeners] = useOneStop(".room-link", keys, current);
  const now = useNow();
  const latest = useRef(actions);
  latest.current = actions;

  const isFiltered = filter.trim() !== "";
  const isCut = groupsSize(found) > limit;
  const hasMore = rooms !== null && rooms.nextToken !== "";
  // With a filter that few rooms match, the list would read all pages by itself.
  const loadsByItself = isCut || (!isFiltered && !failure);
  const setFilterText = (text: string) => {
    setFilter(text);
    setLimit(batchSize);
  };
  const openFirst = () => {
    const item = found.visited[0] ?? found.others[0];
    if (!item) return;
    setFilterText("");
    actions.onRoom(item.name);
  };
  const moreLabel = isFiltered && !isCut ? t("rooms.searchMore") : t("rooms.more");
  const links = { current, displayName, stop, now, actions: latest };
  return (
    <div class="room-list">
      <div class="room-tools">
        <button type="button" class="outlined find-room" aria-haspopup="dialog" onClick={onSwitch}>
          <Icon name="search" size={16} />
          <span class="one-line">{t("rooms.find")}</span>
        </button>
        <button
          type="button"
          class="quiet icon-only create-room"
          aria-haspopup="dialog"
          aria-label={t("rooms.create")}
          title={t("rooms.create")}
          onClick={onCreate}
        >
          <Icon name="add" />
        </button>
      </div>
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
        {...stopListeners}
        onScroll={(event) => event.currentTarget.scrollTop === 0 && setLimit(batchSize)}
      >
        {/* Each kind of conversation is a section: direct messages and private rooms are others. */}
        <RoomSection title={t("rooms.yours")} items={shown.visited} {...links} />
        <RoomSection
          title={t("rooms.others")}
          count={roomCount(found.others.length, hasMore)}
          items={shown.others}
          {...links}
        />
        {isFiltered && groupsSize(found) === 0 && <p class="hint">{t("rooms.noMatch")}</p>}
        {failure && <p class="problem">{t("rooms.listFailed", { problem: failureText(failure) })}</p>}
        {(isCut || hasMore || failure) && (
          <MoreButton
            label={failure && !isCut ? t("rooms.tryAgain") : moreLabel}
            busy={loading && !isCut}
            shownCount={loadsByItself ? groupsSize(shown) : null}
            onMore={() => (isCut ? setLimit(limit + batchSize) : onMore())}
          />
        )}
      </div>
      {menu}
    </div>
  );
}

/** Returns the time, which changes once a minute. */
function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tick);
    return () => clearInterval(timer);
  }, []);
  return now;
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

interface RoomSectionProps extends Pick<Props, "current" | "displayName"> {
  readonly title: string;
  readonly count?: string;
  readonly items: readonly RoomItem[];
  /** The room whose controls the Tab key reaches. */
  readonly stop: string;
  readonly now: number;
  readonly actions: { readonly current: RoomLinkActions };
}

/** Rooms under a heading; nothing without rooms. */
function RoomSection({ title, count = "", items, current, displayName, stop, now, actions }: RoomSectionProps) {
  const list = useMemo(
    () => (
      // biome-ignore lint/a11y/noRedundantRoles: Safari drops the role of a list without markers.
      <ul role="list">
        {items.map((item) => {
          const isCurrent = item.name === current;
          const shown = isCurrent && displayName !== "" ? { ...item, displayName } : item;
          return (
            <RoomLink
              key={item.name}
              item={shown}
              isCurrent={isCurrent}
              isStop={item.name === stop}
              now={now}
              actions={actions}
            />
          );
        })}
      </ul>
    ),
    [items, current, displayName, stop, now],
  );
  if (items.length === 0) return null;
  return (
    <section aria-label={title}>
      <h3>
        {title} <span class="count">{count}</span>
      </h3>
      {list}
    </section>
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
      {busy ? t("rooms.loading") : label}
    </button>
  );
}
