import type { TargetedMouseEvent } from "preact";
import type { Chip, MessageRow, QuoteRow } from "../state/message-rows";
import { hueOf, initialOf } from "../state/message-rows";
import { Icon } from "./icons";
import { Text } from "./linked-text";
import { fullTime, Time } from "./time";
import type { Dispatch } from "./page";

/** What can be done at a message. */
export interface Acts {
  /** Whether the visitor has a name, without which nothing can be done. */
  readonly may: () => boolean;
  /** Opens the menu of a message beside a button. */
  readonly menu: (row: MessageRow, beside: HTMLElement) => void;
  /** Reacts with an emoji, or takes that back. */
  readonly react: (row: MessageRow, emoji: string) => void;
}

interface Props {
  readonly row: MessageRow;
  /** Whether its controls are reached with the Tab key: those of one message are. */
  readonly active: boolean;
  readonly acts: Acts;
  readonly dispatch: Dispatch;
}

export function Message({ row, active, acts, dispatch }: Props) {
  const { sender, first, ours, status, sequence, edited, doing } = row;
  const anonymous = sender.id === "" && !ours;
  const hue = anonymous ? undefined : hueOf(sender.id);
  const tabIndex = active ? 0 : -1;
  const id = sequence > 0n ? elementId(sequence) : undefined;
  return (
    <li
      class="message" id={id} tabIndex={-1} data-key={row.key} data-first={first} data-ours={ours} data-status={status}
      data-doing={doing ?? undefined} data-chips={row.chips.length > 0}
    >
      {row.quote && <Quoted quote={row.quote} tabIndex={tabIndex} dispatch={dispatch} />}
      {first && <span class="avatar" data-hue={hue} aria-hidden="true">{anonymous ? "?" : initialOf(sender.name)}</span>}
      <p key={first} class={first ? "by" : "by again"}>
        <bdi class="name" data-hue={hue}>{sender.name || "anonymous"}</bdi>
        {ours && <span class="tag">you</span>}
        {anonymous && sender.name !== "anonymous" && <span class="tag">anonymous</span>}
        <Time ms={row.time} short={!first} />
      </p>
      <div class="content">
        <Text text={row.text} />
        {edited > 0 && <span class="edited" title={`Edited ${fullTime(edited)}`}> edited</span>}
      </div>
      {row.chips.length > 0 && <Chips row={row} tabIndex={tabIndex} acts={acts} />}
      {sequence > 0n && (
        <button
          type="button" class="quiet more" tabIndex={tabIndex} aria-haspopup="dialog" aria-label={`Actions for the message of ${sender.name || "anonymous"}`}
          onClick={(event) => acts.menu(row, event.currentTarget)}
        >
          <Icon name="more" />
        </button>
      )}
      {status === "failed" && <Failed what="Not sent." id={row.id} problem={row.problem} dispatch={dispatch} />}
      {row.failure && <Failed what={notDone[row.failure.kind]} id={row.failure.id} problem={row.failure.problem} dispatch={dispatch} />}
      {status === "queued" && <p class="state">Waiting…</p>}
      {status === "sending" && <p class="state">Sending…</p>}
      {doing && <p class="state">{doing === "edit" ? "Saving…" : "Deleting…"}</p>}
    </li>
  );
}

const notDone = { edit: "Not changed.", deletion: "Not deleted.", reaction: "Not stored." };

/** The id of a message's element. */
export function elementId(sequence: bigint): string {
  return `m${sequence}`;
}

/** What a message answers; a click goes there. */
function Quoted({ quote, tabIndex, dispatch }: { quote: QuoteRow; tabIndex: number; dispatch: Dispatch }) {
  const { by, text, gone, sequence } = quote;
  if (gone) return <p class="quote"><Icon name="reply" /><i>This message was deleted.</i></p>;
  return (
    <button type="button" class="quote" tabIndex={tabIndex} title="Go to this message" onClick={() => dispatch({ type: "seek", sequence })}>
      <Icon name="reply" />
      <span class="hidden">In reply to </span>
      {by ? <bdi class="name" data-hue={by.id ? hueOf(by.id) : undefined}>{by.name || "anonymous"}</bdi> : <i>an earlier message</i>}
      {text !== null && <bdi class="words">{text}</bdi>}
    </button>
  );
}

/** The reactions to a message. */
function Chips({ row, tabIndex, acts }: { row: MessageRow; tabIndex: number; acts: Acts }) {
  return (
    <ul class="chips" aria-label="Reactions" aria-live="off">
      {row.chips.map((chip) => (
        <li key={chip.emoji}>
          <button
            type="button" class="chip" tabIndex={tabIndex} aria-pressed={chip.ours} title={chip.by} aria-label={inWords(chip)}
            onClick={() => acts.react(row, chip.emoji)}
          >
            <span class="emoji">{chip.emoji}</span>
            <span class="count">{chip.count}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function inWords({ emoji, count, by }: Chip): string {
  return `${emoji}, ${count}: ${by}`;
}

interface FailedProps {
  readonly what: string;
  /** Of what is in the outbox. */
  readonly id: string;
  readonly problem: string;
  readonly dispatch: Dispatch;
}

function Failed({ what, id, problem, dispatch }: FailedProps) {
  const decide = (type: "retry" | "discard") => (event: TargetedMouseEvent<HTMLButtonElement>) => {
    // The button goes; who uses the keyboard stays in the list.
    event.currentTarget.closest<HTMLElement>(".log")?.focus({ preventScroll: true });
    dispatch({ type, id });
  };
  return (
    <div class="failed">
      <p class="problem"><b>{what}</b> {problem}</p>
      <button type="button" class="small plain" onClick={decide("retry")}>Retry</button>
      <button type="button" class="small quiet" onClick={decide("discard")}>Discard</button>
    </div>
  );
}
