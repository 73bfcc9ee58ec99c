import type { ComponentChild, TargetedMouseEvent } from "preact";
import { useContext, useMemo } from "preact/hooks";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import type { MessageRow, QuoteRow, ReactionRow } from "../../state/message-rows";
import { mentionsSelf, plainText } from "../../text";
import { Icon } from "../controls/icons";
import { NameMarkTag } from "../controls/name-mark";
import { fullTime, Time } from "../controls/time";
import { Avatar, MemberName } from "../people/looks";
import { MessageText } from "../text/message-text";
import { MentionContext } from "../text/text-context";

/** What a message's controls do. */
export interface MessageActions {
  readonly openMenu: (row: MessageRow, button: HTMLElement) => void;
  /** Adds the user's reaction with an emoji, or removes it. */
  readonly toggleReaction: (row: MessageRow, emoji: string) => void;
}

interface Props {
  readonly row: MessageRow;
  /** Whether the Tab key reaches its controls: those of one message are reached. */
  readonly active: boolean;
  readonly canReact: boolean;
  /** The form that stands in the place of the text; null if the message is not edited. */
  readonly editor: ComponentChild;
  readonly actions: MessageActions;
  readonly dispatch: Dispatch;
}

export function MessageItem({ row, active, canReact, editor, actions, dispatch }: Props) {
  const { sender, first, own, status, sequence, edited, pending } = row;
  const isAnonymous = sender.id === "" && !own;
  const name = sender.name || "anonymous";
  const tabIndex = active ? 0 : -1;
  const { names, self } = useContext(MentionContext);
  const isForSelf = useMemo(() => !own && mentionsSelf(row.text, names, self), [own, row.text, names, self]);
  return (
    <li
      class="message"
      id={sequence > 0n ? messageElementId(sequence) : undefined}
      tabIndex={-1}
      data-key={row.key}
      data-first={first}
      data-ours={own}
      data-mentions-self={isForSelf || undefined}
      data-status={status}
      data-editing={editor !== null}
      data-pending={pending ?? undefined}
    >
      {row.quote && <QuoteButton quote={row.quote} tabIndex={tabIndex} dispatch={dispatch} />}
      {first && <Avatar member={isAnonymous ? { id: "", name: "" } : sender} />}
      <p key={first} class={first ? "byline" : "byline compact"}>
        <MemberName member={isAnonymous ? { id: "", name } : sender} tabIndex={first ? tabIndex : -1} />
        <NameMarkTag mark={sender.mark} />
        {own && <span class="you">{t("people.you")}</span>}
        {isAnonymous && sender.name !== "anonymous" && <span class="tag">anonymous</span>}
        <Time ms={row.time} short={!first} />
      </p>
      <div class="content">
        {editor ?? <MessageText text={row.text} />}
        {edited > 0 && editor === null && (
          <span class="edited" title={`Edited ${fullTime(edited)}`}>
            {" edited"}
          </span>
        )}
      </div>
      {row.reactions.length > 0 && <Reactions row={row} tabIndex={tabIndex} canReact={canReact} actions={actions} />}
      {sequence > 0n && (
        <button
          type="button"
          class="quiet more"
          tabIndex={tabIndex}
          aria-haspopup="dialog"
          aria-label={`Actions for the message of ${name}`}
          onClick={(event) => actions.openMenu(row, event.currentTarget)}
        >
          <Icon name="more" />
        </button>
      )}
      {status === "failed" && <Failed what="Not sent." id={row.id} problem={row.problem} dispatch={dispatch} />}
      {row.failed && <Failed what={failedLabels[row.failed.kind]} {...row.failed} dispatch={dispatch} />}
      {status === "queued" && <p class="state">Waiting… {row.problem}</p>}
      {status === "sending" && <p class="state">Sending…</p>}
      {pending && <p class="state">{pending === "edit" ? "Saving…" : "Deleting…"}</p>}
    </li>
  );
}

const failedLabels = { edit: "Not changed.", deletion: "Not deleted.", reaction: "Not stored." };

export function messageElementId(sequence: bigint): string {
  return `m${sequence}`;
}

interface QuoteButtonProps {
  readonly quote: QuoteRow;
  readonly tabIndex: number;
  readonly dispatch: Dispatch;
}

/** The message that a reply answers; a click goes there. */
function QuoteButton({ quote, tabIndex, dispatch }: QuoteButtonProps) {
  const { by, text, deleted, sequence } = quote;
  if (deleted) {
    return (
      <p class="quote">
        <Icon name="reply" />
        <i>This message was deleted.</i>
      </p>
    );
  }
  return (
    <button
      type="button"
      class="quote"
      tabIndex={tabIndex}
      title="Go to this message"
      onClick={() => dispatch({ type: "goTo", sequence })}
    >
      <Icon name="reply" />
      <span class="sr-only">In reply to </span>
      {by ? <bdi class="name">{by.name || t("people.anonymous")}</bdi> : <i>an earlier message</i>}
      {text !== null && <bdi class="words">{plainText(text)}</bdi>}
    </button>
  );
}

interface ReactionsProps {
  readonly row: MessageRow;
  readonly tabIndex: number;
  readonly canReact: boolean;
  readonly actions: MessageActions;
}

function Reactions({ row, tabIndex, canReact, actions }: ReactionsProps) {
  return (
    <ul class="chips" aria-label="Reactions" aria-live="off">
      {row.reactions.map((reaction) => (
        <li key={reaction.emoji}>
          <button
            type="button"
            class="chip"
            tabIndex={tabIndex}
            disabled={!canReact}
            aria-pressed={reaction.own}
            title={reaction.by}
            aria-label={reactionLabel(reaction)}
            onClick={() => actions.toggleReaction(row, reaction.emoji)}
          >
            <span class="emoji">{reaction.emoji}</span>
            <span class="count">{reaction.count}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function reactionLabel({ emoji, count, by }: ReactionRow): string {
  return `${emoji}, ${count}: ${by}`;
}

interface FailedProps {
  readonly what: string;
  /** The id of the outbox entry. */
  readonly id: string;
  readonly problem: string;
  readonly dispatch: Dispatch;
}

function Failed({ what, id, problem, dispatch }: FailedProps) {
  const decide = (type: "retry" | "discard") => (event: TargetedMouseEvent<HTMLButtonElement>) => {
    // The button disappears: the focus stays in the log.
    event.currentTarget.closest<HTMLElement>(".log")?.focus({ preventScroll: true });
    dispatch({ type, id });
  };
  return (
    <div class="failed">
      <p class="problem">
        <b>{what}</b> {problem}
      </p>
      <button type="button" class="small outlined" onClick={decide("retry")}>
        Retry
      </button>
      <button type="button" class="small quiet" onClick={decide("discard")}>
        Discard
      </button>
    </div>
  );
}
