import { Component, type ComponentChild, createRef } from "preact";
import type { SessionState } from "../../../client";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import type { Row } from "../../state/message-rows";
import { Announcer } from "./announcer";
import { LogRow } from "./log-row";
import { LogStart } from "./log-start";
import type { MessageActions } from "./message";
import { type ListView, VirtualList } from "./virtual-list";

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
}

interface LocalState {
  /** The key of the message whose controls the Tab key reaches; empty for the newest one's. */
  readonly activeKey: string;
}

/** The parts of the state that the log shows besides the rows. */
const shownParts = ["timeline", "history", "outbox", "viewport", "unread"] as const;

/**
 * The messages. The Tab key reaches the controls of one message only, otherwise it would
 * take hundreds of steps to the composer. The arrow keys go to the other messages.
 */
export class MessageLog extends Component<Props, LocalState> {
  override state: LocalState = { activeKey: "" };
  readonly #listRef = createRef<VirtualList>();
  #view: ListView | null = null;
  #keys: readonly string[] = [];
  #keysOf: readonly Row[] | null = null;
  /** The message whose controls get the focus when it is drawn. */
  #wantsFocus = "";

  get #list(): VirtualList {
    return this.#listRef.current as VirtualList;
  }

  override componentDidMount(): void {
    document.addEventListener("visibilitychange", this.#reportViewport);
  }

  override componentWillUnmount(): void {
    document.removeEventListener("visibilitychange", this.#reportViewport);
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
    if (this.#showTarget()) return;
    if (hasNewOwnMessage(before.state, this.props.state)) this.#list.scrollToEnd();
    this.#loadMore();
  }

  /** Loads earlier messages when the view comes near the first one. */
  #loadMore(): void {
    const { state, dispatch } = this.props;
    if (!this.#view || !state.feed.caughtUpOnce || state.history.phase !== "idle") return;
    if (state.timeline.more && this.#view.before < loadDistance) dispatch({ type: "loadEarlier" });
  }

  /** Scrolls to the message that the user wants to see, once it is there. */
  #showTarget(): boolean {
    const { state, rows, dispatch } = this.props;
    const { target } = state.history;
    const row = target > 0n && rows.find((r) => r.kind === "message" && r.sequence === target);
    if (!row) return false;
    this.#list.scrollToKey(row.key, "center", (element) => {
      element.focus({ preventScroll: true });
      element.dataset.highlighted = "true";
      setTimeout(() => delete element.dataset.highlighted, highlightTime);
      dispatch({ type: "targetReached" });
    });
    return true;
  }

  readonly #onEndButton = (): void => {
    this.#list.box.focus({ preventScroll: true }); // the button disappears
    this.setState({ activeKey: "" });
    this.#list.scrollToEnd();
  };

  readonly #onView = (view: ListView): void => {
    this.#view = view;
    this.#reportViewport();
    this.#loadMore();
  };

  /** Reports whether the user sees the end. */
  readonly #reportViewport = (): void => {
    if (!this.#view) return;
    const { atEnd } = this.#view;
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
        <VirtualList
          handle={this.#listRef}
          keys={this.#keys}
          renderRow={this.#renderRow}
          before={<LogStart state={state} dispatch={dispatch} />}
          label={t("log.label", { room: state.room })}
          onView={this.#onView}
          onFocusIn={this.#onFocus}
          onKeyDown={this.#onKeyDown}
        />
        <Announcer rows={rows} isNews={state.feed.caughtUpOnce && state.history.phase !== "loading"} />
        {!state.viewport.atEnd && (
          <button type="button" class="to-end" onClick={this.#onEndButton}>
            {endButtonLabel(state.unread)}
          </button>
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

function endButtonLabel(unread: number): string {
  if (unread === 0) return "To the newest message";
  return unread === 1 ? "1 new message" : `${unread} new messages`;
}
