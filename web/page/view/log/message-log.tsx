import { Component, type ComponentChild, createRef } from "preact";
import { type History, isOwn, type SessionState, tabValues } from "../../../client";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { type MessageRow, type Row, unreadKey } from "../../state/message-rows";
import { keepPlace, keptPlace } from "../../state/place";
import { Icon } from "../controls/icons";
import { Announcer } from "./announcer";
import { DayHeader } from "./day-header";
import type { Align } from "./list-place";
import { LogRow } from "./log-row";
import { LogStart } from "./log-start";
import type { MessageActions } from "./message-actions";
import { type ListView, VirtualList } from "./virtual-list";

/** How far below the top of the view the unread messages begin when a room is opened, in pixels. */
const unreadTop = 72;
/** How long the view rests before its place is kept, in milliseconds. */
const placeDelay = 300;
const markedInMiddle = { align: "center", marked: true } as const;
/** How long a message that was gone to is highlighted, in milliseconds. */
const highlightTime = 2_000;
/** How near the view comes to the first row before earlier messages are loaded, in heights of the view. */
const loadDistance = 1.5;

interface Props {
  readonly state: SessionState;
  readonly rows: readonly Row[];
  readonly canReact: boolean;
  /** The form that stands in the place of a message's text while it is edited. */
  readonly editor: { readonly key: string; readonly node: ComponentChild } | null;
  readonly actions: MessageActions;
  readonly dispatch: Dispatch;
  /** Returns the message that came at a time, or the first one after it; null if there is none. */
  readonly onFindTime: (time: number) => Promise<bigint | null>;
}

interface LocalState {
  /** The key of the message whose controls the Tab key reaches; empty for the newest one's. */
  readonly activeKey: string;
}

/** The parts of the state that the log shows besides the rows. */
const shownParts = ["timeline", "history", "outbox", "viewport", "unread", "connection", "unreadStart"] as const;

/**
 * The messages. The Tab key reaches the controls of one message only, otherwise it would
 * take hundreds of steps to the composer. The arrow keys go to the other messages.
 */
export class MessageLog extends Component<Props, LocalState> {
  override state: LocalState = { activeKey: "" };
  readonly #listRef = createRef<VirtualList>();
  readonly #dayRef = createRef<DayHeader>();
  #view: ListView | null = null;
  #keys: readonly string[] = [];
  #keysOf: readonly Row[] | null = null;
  /** The message whose controls get the focus when it is drawn. */
  #wantsFocus = "";
  /** Whether the room was opened at its place: until then, nothing counts as read. */
  #started = false;
  /** Whether the place where the room opens is still to be scrolled to: what is on screen is not what is read. */
  #seeksPlace = false;
  /** The history whose target was shown: it is drawn once more before the target is cleared. */
  #reached: History | null = null;
  /** Where in the view the target is to be, and whether it is highlighted. */
  #arrival: { readonly align: Align; readonly marked: boolean } = markedInMiddle;
  /** Whether the end is shown once the timeline has it. */
  #wantsEnd = false;
  #keepingPlace = 0;

  get #list(): VirtualList {
    return this.#listRef.current as VirtualList;
  }

  override componentDidMount(): void {
    document.addEventListener("visibilitychange", this.#reportViewport);
    window.addEventListener("pagehide", this.#keepPlace);
    if (this.props.state.connection.phase === "live") this.#start();
  }

  override componentWillUnmount(): void {
    document.removeEventListener("visibilitychange", this.#reportViewport);
    clearTimeout(this.#keepingPlace);
    window.removeEventListener("pagehide", this.#keepPlace);
    this.#keepPlace();
  }

  /** A key that is pressed, or a heartbeat, does not need every message compared. */
  override shouldComponentUpdate(next: Props, local: LocalState): boolean {
    const { state, rows } = this.props;
    if (rows !== next.rows || local !== this.state || this.props.canReact !== next.canReact) return true;
    if (this.props.editor?.key !== next.editor?.key) return true;
    if (state.feed.caughtUpOnce !== next.state.feed.caughtUpOnce) return true;
    return shownParts.some((part) => state[part] !== next.state[part]);
  }

  override componentDidUpdate(before: Props): void {
    if (!this.#started && this.props.state.connection.phase === "live") this.#start();
    if (this.#showTarget()) return;
    // It was scrolled to, or could not be found.
    if (this.#seeksPlace && before.state.history.target > 0n && this.props.state.history.target === 0n)
      this.#foundPlace();
    if (hasNewOwnMessage(before.state, this.props.state)) this.#goToEnd();
    if (this.#wantsEnd && !this.props.state.timeline.newer) {
      this.#wantsEnd = false;
      this.#list.scrollToEnd();
    }
    this.#loadMore();
  }

  /** Opens the room at the place that it was left at, otherwise at the first unread message, or at the end. */
  #start(): void {
    this.#started = true;
    const { state, rows, dispatch } = this.props;
    const { history, unreadStart, cursor } = state;
    if (history.target > 0n || history.phase === "loading") return; // the address names a message
    if (history.absent > 0n) return this.#reportViewport(); // the address names one that is gone
    const place = keptPlace(tabValues, state.room);
    const isUnread = unreadStart && !unreadStart.read && unreadStart.after.epoch === cursor?.epoch;
    if (place) {
      this.#seeksPlace = true;
      this.#arrival = { align: place.top, marked: false };
      dispatch({ type: "goTo", sequence: place.sequence, nearest: true });
    } else if (rows.some((row) => row.key === unreadKey)) {
      this.#seeksPlace = true;
      // The view is reported by the list: the one known here is still that of the end.
      this.#list.scrollToKey(unreadKey, unreadTop, () => {
        this.#seeksPlace = false;
      });
    } else if (isUnread && unreadStart.after.sequence > 0n && unreadStart.after.sequence < cursor.sequence) {
      this.#seeksPlace = true;
      this.#arrival = { align: unreadTop, marked: false };
      dispatch({ type: "goTo", sequence: unreadStart.after.sequence, nearest: true });
    }
    this.#reportViewport();
  }

  #foundPlace(): void {
    this.#seeksPlace = false;
    this.#reportViewport();
  }

  /** Loads messages when the view comes near the first or the last one. */
  #loadMore(): void {
    const { state, dispatch } = this.props;
    if (!this.#view || !state.feed.caughtUpOnce || state.history.phase !== "idle") return;
    if (state.timeline.newer && this.#view.after < loadDistance) dispatch({ type: "loadLater" });
    else if (state.timeline.more && this.#view.before < loadDistance) dispatch({ type: "loadEarlier" });
  }

  #goToEnd(): void {
    if (this.props.state.timeline.newer) {
      this.#wantsEnd = true;
      this.props.dispatch({ type: "loadNewest" });
    } else this.#list.scrollToEnd();
  }

  readonly #keepPlace = (): void => {
    if (!this.#started || this.#seeksPlace) return;
    const { state, rows } = this.props;
    const { first = 0, atEnd = true } = this.#view ?? {};
    const row = rows.slice(first).find((r) => r.kind === "message" && r.sequence > 0n);
    const element = row && this.#list.elementOf(row.key);
    if ((atEnd && !state.timeline.newer) || !element || row.kind !== "message") {
      keepPlace(tabValues, state.room, null);
      return;
    }
    const top = element.getBoundingClientRect().top - this.#list.box.getBoundingClientRect().top;
    keepPlace(tabValues, state.room, { sequence: row.sequence, top });
  };

  /** Scrolls to the message that the user wants to see, once it is there. */
  #showTarget(): boolean {
    const { state, rows, dispatch } = this.props;
    const { target, nearest, phase } = state.history;
    if (target === 0n || phase === "loading" || state.history === this.#reached) return false;
    const { align, marked } = this.#arrival;
    const row = targetRow(rows, target, nearest, align === unreadTop);
    if (!row) return false;
    this.#list.scrollToKey(row.key, align, (element) => {
      this.#reached = state.history;
      this.#arrival = markedInMiddle;
      if (marked) highlight(element);
      dispatch({ type: "targetReached" });
    });
    return true;
  }

  readonly #onEndButton = (): void => {
    this.#list.box.focus({ preventScroll: true }); // the button disappears
    this.setState({ activeKey: "" });
    this.#goToEnd();
  };

  readonly #onView = (view: ListView): void => {
    this.#view = view;
    this.#reportViewport();
    this.#loadMore();
    this.#showDay(view);
    if (!this.#started) return;
    clearTimeout(this.#keepingPlace);
    this.#keepingPlace = window.setTimeout(this.#keepPlace, placeDelay);
  };

  /** Says which day the first message in view is of, unless the row of that day is there. */
  #showDay({ first }: ListView): void {
    const row = this.props.rows[first];
    const time = row?.kind === "message" ? row.time : 0;
    this.#dayRef.current?.show(time === 0 ? 0 : new Date(time).setHours(0, 0, 0, 0));
  }

  readonly #onDate = (time: number): void => {
    void this.props.onFindTime(time).then((sequence) => {
      if (sequence !== null) this.props.dispatch({ type: "goTo", sequence, nearest: true });
    });
  };

  /** Reports whether the user sees the end. */
  readonly #reportViewport = (): void => {
    if (!this.#view || !this.#started) return;
    const atEnd =
      this.#view.atEnd &&
      !this.#seeksPlace &&
      !this.props.state.timeline.newer &&
      this.props.state.history.target === 0n;
    const visible = !document.hidden;
    const { viewport } = this.props.state;
    if (viewport.atEnd === atEnd && viewport.visible === visible) return;
    this.props.dispatch({ type: "viewportChanged", visible, atEnd });
  };

  readonly #onFocus = (event: FocusEvent): void => {
    const activeKey = this.#list.keyOf(event.target);
    if (activeKey !== "" && activeKey !== this.state.activeKey) this.setState({ activeKey });
  };

  readonly #onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") document.getElementById("text")?.focus();
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const from = this.#list.keyOf(event.target) || this.#wantsFocus;
    if (from === "") return; // the log itself has the focus, and scrolls
    event.preventDefault();
    const stored = this.props.rows.filter((row) => row.kind === "message" && row.sequence > 0n);
    const to = stored[stored.findIndex((row) => row.key === from) + (event.key === "ArrowUp" ? -1 : 1)];
    if (to) this.#focusRow(to.key);
  };

  #focusRow(key: string): void {
    const more = this.#list.elementOf(key)?.querySelector<HTMLElement>(".more");
    if (more) {
      more.focus();
      return;
    }
    this.#wantsFocus = key;
    this.#list.scrollToKey(key, "center", (row) => {
      this.#wantsFocus = "";
      row.querySelector<HTMLElement>(".more")?.focus({ preventScroll: true });
    });
  }

  readonly #renderRow = (index: number) => {
    const { rows, canReact, editor, actions, dispatch } = this.props;
    const row = rows[index] as Row;
    return (
      <LogRow
        key={row.key}
        row={row}
        active={row.key === this.#activeKey}
        canReact={canReact}
        editor={row.key === editor?.key ? editor.node : null}
        actions={actions}
        dispatch={dispatch}
      />
    );
  };

  /** The key of the message whose controls the Tab key reaches. */
  #activeKey = "";

  override render({ state, rows, dispatch }: Props, { activeKey }: LocalState) {
    if (this.#keysOf !== rows) {
      this.#keysOf = rows;
      this.#keys = rows.map((row) => row.key);
    }
    const isListed = activeKey !== "" && rows.some((row) => row.key === activeKey);
    const newest = rows.findLast((row) => row.kind === "message" && row.sequence > 0n);
    this.#activeKey = isListed ? activeKey : (newest?.key ?? "");
    return (
      <main class="room">
        <DayHeader handle={this.#dayRef} onDate={this.#onDate} />
        <VirtualList
          handle={this.#listRef}
          keys={this.#keys}
          renderRow={this.#renderRow}
          before={<LogStart state={state} dispatch={dispatch} />}
          label={t("log.label", { room: state.room })}
          endsWithLog={!state.timeline.newer}
          onView={this.#onView}
          onFocusIn={this.#onFocus}
          onKeyDown={this.#onKeyDown}
        />
        <Announcer rows={rows} isNews={state.feed.caughtUpOnce && state.history.phase !== "loading"} />
        {state.history.absent > 0n && (
          <div class="absent" role="alert">
            {t("log.absent")}
            <button
              type="button"
              class="quiet icon-only"
              title={t("controls.close")}
              aria-label={t("controls.close")}
              onClick={() => dispatch({ type: "targetReached" })}
            >
              <Icon name="close" />
            </button>
          </div>
        )}
        {this.#started && !state.viewport.atEnd && (
          <EndButton unread={unreadBelow(state)} onClick={this.#onEndButton} />
        )}
      </main>
    );
  }
}

function hasNewOwnMessage(before: SessionState, now: SessionState): boolean {
  const last = now.outbox.entries.at(-1);
  const isNew = last?.id !== before.outbox.entries.at(-1)?.id;
  return last?.body.kind === "message" && isNew && last.status !== "failed";
}

/** Returns the row to show for a target: its own, or the nearest one after it. */
function targetRow(rows: readonly Row[], target: bigint, nearest: boolean, wantsUnread: boolean): Row | undefined {
  const unread = wantsUnread && rows.find((row) => row.key === unreadKey);
  if (unread) return unread;
  const stored = rows.filter((row) => row.kind === "message" && row.sequence > 0n) as MessageRow[];
  if (!nearest) return stored.find((row) => row.sequence === target);
  return stored.find((row) => row.sequence >= target) ?? stored.at(-1);
}

/** Whether the user is in the middle of writing: the focus is not taken away then. */
function isWriting(): boolean {
  const { activeElement } = document;
  if (activeElement instanceof HTMLTextAreaElement || activeElement?.id === "name") {
    return (activeElement as HTMLTextAreaElement).value !== "";
  }
  return activeElement instanceof HTMLInputElement;
}

/** Shows which message was gone to, also to screen readers. */
function highlight(row: HTMLElement): void {
  if (!isWriting()) row.focus({ preventScroll: true });
  row.dataset.highlighted = "true";
  setTimeout(() => delete row.dataset.highlighted, highlightTime);
}

/** Returns how many messages of others are unread below, as far as is known. */
function unreadBelow({ unread, unreadStart, timeline, auth }: SessionState): number {
  if (!unreadStart || unreadStart.read) return unread;
  const { sequence } = unreadStart.after;
  const loaded = timeline.posts.filter((post) => post.sequence > sequence && !isOwn(auth, post)).length;
  return Math.max(unread, loaded);
}

/** Goes to the newest message, and says how many are unread. */
function EndButton({ unread, onClick }: { readonly unread: number; readonly onClick: () => void }) {
  return (
    <button type="button" class="to-end" aria-label={t("log.toEnd", { n: unread })} onClick={onClick}>
      {unread > 0 && <span class="count">{t("log.newCount", { n: unread })}</span>}
      <Icon name="down" />
    </button>
  );
}
