import { Component, createRef, type TargetedMouseEvent } from "preact";
import { hueOf, initialOf, type MessageRow, type Row } from "./rows";
import { Text } from "./text";
import type { State } from "./turn";
import type { Dispatch } from "./view";

/** How far from the end still counts as being there, in pixels. */
const nearEnd = 48;

interface Props {
  readonly state: State;
  readonly rows: readonly Row[];
  readonly dispatch: Dispatch;
}

/** Where a reader was before the list changed. */
interface Place {
  readonly atEnd: boolean;
  /** The first message in view, and where it stood. */
  readonly anchor: Element | null;
  readonly top: number;
}

/**
 * The messages. A reader at the end stays there; for one who reads further up,
 * nothing moves, wherever rows come or go.
 */
export class Log extends Component<Props> {
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

  override getSnapshotBeforeUpdate(): Place {
    const edge = this.#box.current!.getBoundingClientRect().top;
    // Texts rather than rows: days, and who speaks, go when earlier messages come.
    for (const text of this.#atEnd ? [] : this.#list.current!.getElementsByClassName("text")) {
      const { top, bottom } = text.getBoundingClientRect();
      if (bottom > edge) return { atEnd: false, anchor: text, top };
    }
    return { atEnd: this.#atEnd, anchor: null, top: 0 };
  }

  override componentDidUpdate(before: Props, _: unknown, was: Place): void {
    if (was.atEnd || newlySaid(before.state, this.props.state)) this.#toEnd();
    else if (was.anchor?.isConnected) this.#box.current!.scrollTop += was.anchor.getBoundingClientRect().top - was.top;
  }

  readonly #toEnd = (): void => {
    const box = this.#box.current!;
    box.scrollTop = box.scrollHeight;
    this.#look();
  };

  readonly #goToEnd = (): void => {
    this.#box.current!.focus({ preventScroll: true }); // the button goes
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

  override render({ state, rows, dispatch }: Props) {
    // What is loaded from the past is not news to be read out.
    const news = state.link.settled && state.history.phase !== "loading";
    return (
      <main class="room">
        <div
          class="log" ref={this.#box} role="log" aria-label={`Messages in ${state.room}`}
          aria-live={news ? "polite" : "off"} tabIndex={0} onScroll={this.#look}
        >
          <Beginning state={state} dispatch={dispatch} />
          <ol ref={this.#list}>{rows.map((row) => <Line key={row.key} row={row} dispatch={dispatch} />)}</ol>
        </div>
        {!state.looking.atEnd && (
          <button type="button" class="to-end" onClick={this.#goToEnd}>{newMessages(state.unread)}</button>
        )}
      </main>
    );
  }
}

function newlySaid(before: State, now: State): boolean {
  const last = now.outbox.at(-1);
  return last !== undefined && last.id !== before.outbox.at(-1)?.id && last.status !== "failed";
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
  if (timeline.messages.length > 0) return <div class="beginning"><p>This is where <b>#{room}</b> begins.</p></div>;
  if (!link.settled || outbox.length > 0) return <div class="beginning" />;
  return <div class="beginning empty"><p><b>Nothing has been said in #{room} yet.</b></p><p>Be the first.</p></div>;
}

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });

/** A time of day; short where there is no room for "AM". */
function Time({ ms, short }: { ms: number; short: boolean }) {
  const date = new Date(ms);
  const parts = timeFormat.formatToParts(date).filter((part) => !short || part.type !== "dayPeriod");
  const text = parts.map((part) => part.value).join("").trim();
  return <time datetime={date.toISOString()} title={fullFormat.format(date)}>{text}</time>;
}

interface LineProps {
  readonly row: Row;
  readonly dispatch: Dispatch;
}

class Line extends Component<LineProps> {
  override shouldComponentUpdate({ row }: LineProps): boolean {
    const now = this.props.row;
    if (row.kind !== "message" || now.kind !== "message") return row.key !== now.key;
    return (Object.keys(row) as (keyof MessageRow)[]).some((k) => row[k] !== now[k]);
  }

  override render({ row, dispatch }: LineProps) {
    switch (row.kind) {
      case "day": {
        const date = new Date(row.time);
        return <li class="day"><time datetime={localDay(date)}>{dayFormat.format(date)}</time></li>;
      }
      case "hole":
        return <li class="day"><span>Some messages are missing here</span></li>;
      case "message":
        return <Message row={row} dispatch={dispatch} />;
    }
  }
}

function localDay(date: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function Message({ row, dispatch }: { row: MessageRow; dispatch: Dispatch }) {
  const { sender, first, ours, status } = row;
  const anonymous = sender.id === "" && !ours;
  const hue = anonymous ? undefined : hueOf(sender.id);
  return (
    <li class="message" data-first={first} data-ours={ours} data-status={status}>
      {first && <span class="avatar" data-hue={hue} aria-hidden="true">{anonymous ? "?" : initialOf(sender.name)}</span>}
      <p key={first} class={first ? "by" : "by again"}>
        <bdi class="name" data-hue={hue}>{sender.name || "anonymous"}</bdi>
        {ours && <span class="tag">you</span>}
        {anonymous && sender.name !== "anonymous" && <span class="tag">anonymous</span>}
        <Time ms={row.time} short={!first} />
      </p>
      <Text text={row.text} />
      {status === "failed" && <Failed row={row} dispatch={dispatch} />}
      {status === "queued" && <p class="state">Waiting…</p>}
      {status === "sending" && <p class="state">Sending…</p>}
    </li>
  );
}

function Failed({ row, dispatch }: { row: MessageRow; dispatch: Dispatch }) {
  const decide = (type: "retry" | "discard") => (event: TargetedMouseEvent<HTMLButtonElement>) => {
    // The button goes; who uses the keyboard stays in the list.
    event.currentTarget.closest<HTMLElement>(".log")?.focus({ preventScroll: true });
    dispatch({ type, id: row.id });
  };
  return (
    <div class="failed">
      <p class="problem"><b>Not sent.</b> {row.problem}</p>
      <button type="button" class="small plain" onClick={decide("retry")}>Retry</button>
      <button type="button" class="small quiet" onClick={decide("discard")}>Discard</button>
    </div>
  );
}
