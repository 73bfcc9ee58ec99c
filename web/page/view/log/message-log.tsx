import { Component, createRef } from "preact";
import type { SessionState } from "../../../client";
import type { Dispatch } from "../../state/act";
import type { Row } from "../../state/message-rows";
import { LogRow } from "./log-row";
import { LogStart } from "./log-start";
import { type MessageActions, messageElementId } from "./message";

/** How far from the end still counts as the end, in pixels. */
const endTolerance = 48;
/** How long a message that was gone to is highlighted, in milliseconds. */
const highlightTime = 2_000;

interface Props {
  readonly state: SessionState;
  readonly rows: readonly Row[];
  readonly canReact: boolean;
  readonly actions: MessageActions;
  readonly dispatch: Dispatch;
}

interface LocalState {
  /** The key of the message whose controls the Tab key reaches; empty for the newest one's. */
  readonly activeKey: string;
}

/** The parts of the state that the log shows besides the rows. */
const shownParts = ["timeline", "history", "outbox", "viewport", "unread"] as const;

/** The scroll position before an update. */
interface Snapshot {
  readonly atEnd: boolean;
  /** The first text in view, and where it was. */
  readonly anchor: Element | null;
  readonly top: number;
  /** Whether the focus was in a message. */
  readonly focused: boolean;
}

/**
 * The messages. A reader at the end stays there; for one who has scrolled back,
 * nothing moves when rows come or go.
 *
 * The Tab key reaches the controls of one message only, otherwise it would take
 * hundreds of steps to the composer. The arrow keys go to the other messages.
 */
export class MessageLog extends Component<Props, LocalState> {
  override state: LocalState = { activeKey: "" };
  readonly #boxRef = createRef<HTMLDivElement>();
  readonly #listRef = createRef<HTMLOListElement>();
  #atEnd = true;
  readonly #resizeObserver = new ResizeObserver(() => {
    if (this.#atEnd) this.#scrollToEnd();
  });

  get #box(): HTMLDivElement {
    return this.#boxRef.current as HTMLDivElement;
  }

  get #list(): HTMLOListElement {
    return this.#listRef.current as HTMLOListElement;
  }

  override componentDidMount(): void {
    this.#resizeObserver.observe(this.#box);
    this.#resizeObserver.observe(this.#list);
    document.addEventListener("visibilitychange", this.#reportViewport);
    this.#scrollToEnd();
  }

  override componentWillUnmount(): void {
    this.#resizeObserver.disconnect();
    document.removeEventListener("visibilitychange", this.#reportViewport);
  }

  /** A key that is pressed, or a heartbeat, does not need every message compared. */
  override shouldComponentUpdate(next: Props, local: LocalState): boolean {
    const { state, rows } = this.props;
    if (rows !== next.rows || local !== this.state || this.props.canReact !== next.canReact) return true;
    if (state.feed.caughtUpOnce !== next.state.feed.caughtUpOnce) return true;
    return shownParts.some((part) => state[part] !== next.state[part]);
  }

  override getSnapshotBeforeUpdate(): Snapshot {
    const focused = this.#list.contains(document.activeElement);
    const edge = this.#box.getBoundingClientRect().top;
    // Texts rather than rows: days and senders go when earlier messages come.
    for (const text of this.#atEnd ? [] : this.#list.getElementsByClassName("text")) {
      const { top, bottom } = text.getBoundingClientRect();
      if (bottom > edge) return { atEnd: false, anchor: text, top, focused };
    }
    return { atEnd: this.#atEnd, anchor: null, top: 0, focused };
  }

  override componentDidUpdate(before: Props, _: unknown, { atEnd, anchor, top, focused }: Snapshot): void {
    // The focus is lost with a message that is deleted.
    if (focused && document.activeElement === document.body) this.#box.focus({ preventScroll: true });
    this.#fillScreen();
    if (this.#showTarget()) return;
    if (atEnd || hasNewOwnMessage(before.state, this.props.state)) this.#scrollToEnd();
    else if (anchor?.isConnected) this.#box.scrollTop += anchor.getBoundingClientRect().top - top;
  }

  /** Loads earlier messages until the log can be scrolled: a page may consist of changes. */
  #fillScreen(): void {
    const { state, dispatch } = this.props;
    const { scrollHeight, clientHeight } = this.#box;
    if (scrollHeight > clientHeight || !state.feed.caughtUpOnce || !state.timeline.more) return;
    if (state.history.phase === "idle") dispatch({ type: "loadEarlier" });
  }

  /** Scrolls to the message that the user wants to see, once it is there. */
  #showTarget(): boolean {
    const { state, dispatch } = this.props;
    const { target } = state.history;
    const message = target > 0n ? document.getElementById(messageElementId(target)) : null;
    if (!message) return false;
    message.scrollIntoView({ block: "center" });
    message.focus({ preventScroll: true });
    message.dataset.highlighted = "true";
    setTimeout(() => delete message.dataset.highlighted, highlightTime);
    this.#reportViewport();
    dispatch({ type: "targetReached" });
    return true;
  }

  readonly #scrollToEnd = (): void => {
    this.#box.scrollTop = this.#box.scrollHeight;
    this.#reportViewport();
  };

  readonly #onEndButton = (): void => {
    this.#box.focus({ preventScroll: true }); // the button disappears
    this.setState({ activeKey: "" });
    this.#scrollToEnd();
  };

  /** Reports whether the user sees the end. */
  readonly #reportViewport = (): void => {
    const box = this.#boxRef.current;
    if (!box) return; // an event after the room was left
    this.#atEnd = box.scrollHeight - box.scrollTop - box.clientHeight <= endTolerance;
    const visible = !document.hidden;
    const { viewport } = this.props.state;
    if (viewport.atEnd === this.#atEnd && viewport.visible === visible) return;
    this.props.dispatch({ type: "viewportChanged", visible, atEnd: this.#atEnd });
  };

  readonly #onFocus = (event: FocusEvent): void => {
    const activeKey = messageElement(event.target)?.dataset.key;
    if (activeKey !== undefined && activeKey !== this.state.activeKey) this.setState({ activeKey });
  };

  readonly #onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") document.getElementById("text")?.focus();
    const from = messageElement(event.target);
    if (!from || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const all = [...this.#list.querySelectorAll<HTMLElement>(".message:has(.more)")];
    const to = all[all.indexOf(from) + (event.key === "ArrowUp" ? -1 : 1)];
    event.preventDefault();
    to?.querySelector<HTMLElement>(".more")?.focus();
  };

  override render({ state, rows, canReact, actions, dispatch }: Props, { activeKey }: LocalState) {
    const isListed = rows.some((row) => row.key === activeKey);
    const active = isListed ? activeKey : rows.findLast((row) => row.kind === "message" && row.sequence > 0n)?.key;
    // Screen readers announce new messages, and not those that are loaded from the history.
    const isNews = state.feed.caughtUpOnce && state.history.phase !== "loading";
    return (
      <main class="room">
        <div
          class="log"
          ref={this.#boxRef}
          role="log"
          aria-label={`Messages in ${state.room}`}
          aria-live={isNews ? "polite" : "off"}
          aria-relevant="additions"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls the log.
          tabIndex={0}
          onScroll={this.#reportViewport}
        >
          <LogStart state={state} dispatch={dispatch} />
          <ol ref={this.#listRef} onFocusIn={this.#onFocus} onKeyDown={this.#onKeyDown}>
            {rows.map((row) => (
              <LogRow
                key={row.key}
                row={row}
                active={row.key === active}
                canReact={canReact}
                actions={actions}
                dispatch={dispatch}
              />
            ))}
          </ol>
        </div>
        {!state.viewport.atEnd && (
          <button type="button" class="to-end" onClick={this.#onEndButton}>
            {endButtonLabel(state.unread)}
          </button>
        )}
      </main>
    );
  }
}

function messageElement(target: EventTarget | null): HTMLElement | null {
  return (target as HTMLElement | null)?.closest<HTMLElement>(".message") ?? null;
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
