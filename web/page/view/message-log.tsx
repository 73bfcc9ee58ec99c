import { Component, createRef } from "preact";
import { alike, type AppRow, type Row } from "../state/message-rows";
import { Day } from "./time";
import type { State } from "../../client/session/step";
import type { Dispatch } from "./page";
import { elementId, Message, type Acts } from "./message";

/** How far from the end still counts as being there, in pixels. */
const nearEnd = 48;
/** How long a message that was sought stands out, in milliseconds. */
const standsOut = 2_000;

interface Props {
  readonly state: State;
  readonly rows: readonly Row[];
  readonly acts: Acts;
  readonly dispatch: Dispatch;
}

interface Local {
  /** The key of the message whose controls are reached with the Tab key; empty for the newest one's. */
  readonly active: string;
}

/** The parts of the state that are shown here, beside the rows. */
const shownOf = ["timeline", "history", "outbox", "looking", "unread"] as const;

/** Where a reader was before the list changed. */
interface Place {
  readonly atEnd: boolean;
  /** The first message in view, and where it stood. */
  readonly anchor: Element | null;
  readonly top: number;
  /** Whether one of the messages had the focus. */
  readonly focused: boolean;
}

/**
 * The messages. A reader at the end stays there; for one who reads further up,
 * nothing moves, wherever rows come or go.
 *
 * The Tab key reaches the controls of one message only, or it would take hundreds
 * of steps to the place to write: the arrow keys go to the other messages.
 */
export class Log extends Component<Props, Local> {
  override state: Local = { active: "" };
  readonly #box = createRef<HTMLDivElement>();
  readonly #list = createRef<HTMLOListElement>();
  #atEnd = true;
  readonly #resized = new ResizeObserver(() => this.#atEnd && this.#toEnd());

  override componentDidMount(): void {
    this.#resized.observe(this.#box.current!);
    this.#resized.observe(this.#list.current!);
    document.addEventListener("visibilitychange", this.#look);
    this.#toEnd();
  }

  override componentWillUnmount(): void {
    this.#resized.disconnect();
    document.removeEventListener("visibilitychange", this.#look);
  }

  /** Neither a key that is pressed nor a heartbeat is worth a look at each message. */
  override shouldComponentUpdate(next: Props, local: Local): boolean {
    const { state, rows } = this.props;
    if (rows !== next.rows || local !== this.state || state.link.settled !== next.state.link.settled) return true;
    return shownOf.some((part) => state[part] !== next.state[part]);
  }

  override getSnapshotBeforeUpdate(): Place {
    const focused = this.#list.current!.contains(document.activeElement);
    const edge = this.#box.current!.getBoundingClientRect().top;
    // Texts rather than rows: days, and who speaks, go when earlier messages come.
    for (const text of this.#atEnd ? [] : this.#list.current!.getElementsByClassName("text")) {
      const { top, bottom } = text.getBoundingClientRect();
      if (bottom > edge) return { atEnd: false, anchor: text, top, focused };
    }
    return { atEnd: this.#atEnd, anchor: null, top: 0, focused };
  }

  override componentDidUpdate(before: Props, _: unknown, was: Place): void {
    // A message that is deleted takes the focus with it.
    if (was.focused && document.activeElement === document.body) this.#box.current!.focus({ preventScroll: true });
    this.#fill();
    if (this.#showSought()) return;
    if (was.atEnd || newlySaid(before.state, this.props.state)) this.#toEnd();
    else if (was.anchor?.isConnected) this.#box.current!.scrollTop += was.anchor.getBoundingClientRect().top - was.top;
  }

  /** Has more loaded where there is room for it: most of what was read may be changes. */
  #fill(): void {
    const { state, dispatch } = this.props;
    const { scrollHeight, clientHeight } = this.#box.current!;
    if (scrollHeight > clientHeight || !state.link.settled || !state.timeline.more) return;
    if (state.history.phase === "idle") dispatch({ type: "earlier" });
  }

  /** Goes to the message that somebody wants to see, once it is there. */
  #showSought(): boolean {
    const { state, dispatch } = this.props;
    const { sought } = state.history;
    const message = sought > 0n ? document.getElementById(elementId(sought)) : null;
    if (!message) return false;
    message.scrollIntoView({ block: "center" });
    message.focus({ preventScroll: true });
    message.dataset["found"] = "true";
    setTimeout(() => delete message.dataset["found"], standsOut);
    this.#look();
    dispatch({ type: "found" });
    return true;
  }

  readonly #toEnd = (): void => {
    const box = this.#box.current!;
    box.scrollTop = box.scrollHeight;
    this.#look();
  };

  readonly #goToEnd = (): void => {
    this.#box.current!.focus({ preventScroll: true }); // the button goes
    this.setState({ active: "" });
    this.#toEnd();
  };

  /** Says whether somebody sees the end. */
  readonly #look = (): void => {
    const box = this.#box.current;
    if (!box) return; // a late event: the room was left
    this.#atEnd = box.scrollHeight - box.scrollTop - box.clientHeight <= nearEnd;
    const visible = !document.hidden;
    const { looking } = this.props.state;
    if (looking.atEnd === this.#atEnd && looking.visible === visible) return;
    this.props.dispatch({ type: "looking", visible, atEnd: this.#atEnd });
  };

  readonly #onFocus = (event: FocusEvent): void => {
    const active = messageOf(event.target)?.dataset["key"];
    if (active !== undefined && active !== this.state.active) this.setState({ active });
  };

  readonly #onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") document.getElementById("text")?.focus();
    const from = messageOf(event.target);
    if (!from || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const all = [...this.#list.current!.querySelectorAll<HTMLElement>(".message:has(.more)")];
    const to = all[all.indexOf(from) + (event.key === "ArrowUp" ? -1 : 1)];
    event.preventDefault();
    to?.querySelector<HTMLElement>(".more")?.focus();
  };

  override render({ state, rows, acts, dispatch }: Props, { active }: Local) {
    const inList = rows.some((row) => row.key === active);
    const reached = inList ? active : rows.findLast((row) => row.kind === "message" && row.sequence > 0n)?.key;
    // What is loaded from the past is not news to be read out.
    const news = state.link.settled && state.history.phase !== "loading";
    return (
      <main class="room">
        <div
          class="log" ref={this.#box} role="log" aria-label={`Messages in ${state.room}`}
          aria-live={news ? "polite" : "off"} aria-relevant="additions" tabIndex={0} onScroll={this.#look}
        >
          <Beginning state={state} dispatch={dispatch} />
          <ol ref={this.#list} onFocusIn={this.#onFocus} onKeyDown={this.#onKeyDown}>
            {rows.map((row) => <Line key={row.key} row={row} active={row.key === reached} acts={acts} dispatch={dispatch} />)}
          </ol>
        </div>
        {!state.looking.atEnd && (
          <button type="button" class="to-end" onClick={this.#goToEnd}>{newMessages(state.unread)}</button>
        )}
      </main>
    );
  }
}

function messageOf(target: EventTarget | null): HTMLElement | null {
  return (target as HTMLElement | null)?.closest<HTMLElement>(".message") ?? null;
}

function newlySaid(before: State, now: State): boolean {
  const last = now.outbox.at(-1);
  return last?.body.kind === "message" && last.id !== before.outbox.at(-1)?.id && last.status !== "failed";
}

function newMessages(unread: number): string {
  if (unread === 0) return "To the newest message";
  return unread === 1 ? "1 new message" : `${unread} new messages`;
}

/** What is above the first message. */
function Beginning({ state, dispatch }: { state: State; dispatch: Dispatch }) {
  const { history, timeline, link, room, outbox } = state;
  const earlier = () => dispatch({ type: "earlier" });
  if (history.phase === "failed") {
    return (
      <div class="beginning">
        <p class="problem">Earlier messages could not be loaded. {history.problem}</p>
        <button type="button" class="quiet" onClick={earlier}>Try again</button>
      </div>
    );
  }
  if (timeline.more || history.phase === "loading") {
    const loading = history.phase === "loading";
    return (
      <div class="beginning">
        <button type="button" class="quiet" aria-disabled={loading} onClick={earlier}>{loading ? "Loading…" : "Load earlier messages"}</button>
      </div>
    );
  }
  if (timeline.posts.length > 0) return <div class="beginning"><p>This is where <b>#{room}</b> begins.</p></div>;
  if (!link.settled || outbox.length > 0) return <div class="beginning" />;
  return <div class="beginning empty"><p><b>Nothing has been said in #{room} yet.</b></p><p>Be the first.</p></div>;
}

interface LineProps {
  readonly row: Row;
  readonly active: boolean;
  readonly acts: Acts;
  readonly dispatch: Dispatch;
}

class Line extends Component<LineProps> {
  override shouldComponentUpdate({ row, active }: LineProps): boolean {
    return active !== this.props.active || !alike(row, this.props.row);
  }

  override render({ row, active, acts, dispatch }: LineProps) {
    switch (row.kind) {
      case "day":
        return <li class="day"><Day ms={row.time} /></li>;
      case "app":
        return <li class="app"><span>{appEvents(row)}</span></li>;
      case "hole":
        return <li class="day"><span>Some messages are missing here</span></li>;
      case "message":
        return <Message row={row} active={active} acts={acts} dispatch={dispatch} />;
    }
  }
}

/** Events that only their application knows how to show. */
function appEvents({ type, count }: AppRow): string {
  const what = count === 1 ? "An app’s event" : `${count} events of an app`;
  return type === "" ? what : `${what} (${type})`;
}
