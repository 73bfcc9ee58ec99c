import type { ComponentChild } from "preact";
import { useContext, useMemo, useState } from "preact/hooks";
import { t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import type { MessageRow } from "../../state/message-rows";
import { mentionsSelf } from "../../text";
import { failureText } from "../controls/failure-text";
import { NameMarkTag } from "../controls/name-mark";
import { fullTime, Time } from "../controls/time";
import { Avatar, MemberName } from "../people/looks";
import { MessageText } from "../text/message-text";
import { MentionContext } from "../text/text-context";
import { Failed } from "./failed";
import { Fold } from "./fold";
import type { MessageActions } from "./message-actions";
import { MessageToolbar } from "./message-toolbar";
import { QuoteButton } from "./quote-button";
import { Reactions } from "./reactions";
import { useLongPress } from "./use-long-press";

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
  const name = sender.name || t("log.anonymous");
  const tabIndex = active ? 0 : -1;
  const [isNear, setNear] = useState(false);
  const longPress = useLongPress((element) => sequence > 0n && actions.openMenu(row, element));
  const names = useContext(MentionContext);
  const { text, mentionsAll } = row;
  const isForSelf = useMemo(
    () => !own && mentionsSelf(text, { ...names, everyone: mentionsAll }),
    [own, text, names, mentionsAll],
  );
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
      onPointerEnter={() => setNear(true)}
      onPointerLeave={() => setNear(false)}
      onFocusIn={() => setNear(true)}
      {...longPress}
    >
      {row.quote && <QuoteButton quote={row.quote} tabIndex={tabIndex} dispatch={dispatch} />}
      {first && <Avatar member={isAnonymous ? { id: "", name: "" } : sender} />}
      <p key={first} class={first ? "byline" : "byline compact"}>
        <MemberName member={isAnonymous ? { id: "", name } : sender} tabIndex={first ? tabIndex : -1} />
        <NameMarkTag mark={sender.mark} />
        {own && <span class="you">{t("people.you")}</span>}
        {isAnonymous && sender.name !== "anonymous" && <span class="tag">{t("log.anonymous")}</span>}
        <Time ms={row.time} short={!first} />
      </p>
      <div class="content" data-waiting={status === "queued" || status === "sending"}>
        {editor ?? (
          <Fold id={row.key} text={text}>
            <MessageText text={text} mentionsAll={mentionsAll} />
            {edited > 0 && (
              <span class="edited" title={t("log.editedAt", { time: fullTime(edited) })}>
                {` ${t("log.edited")}`}
              </span>
            )}
          </Fold>
        )}
      </div>
      {row.reactions.length > 0 && <Reactions row={row} tabIndex={tabIndex} canReact={canReact} actions={actions} />}
      {sequence > 0n && (
        <MessageToolbar
          row={row}
          name={name}
          tabIndex={tabIndex}
          canReact={canReact}
          isNear={isNear}
          actions={actions}
        />
      )}
      {status === "failed" && <Failed what={t("log.notSent")} id={row.id} failure={row.failure} dispatch={dispatch} />}
      {row.failed && <Failed what={t(failedLabels[row.failed.kind])} {...row.failed} dispatch={dispatch} />}
      {status === "queued" && (
        <p class="state">
          {t("log.waiting")} {failureText(row.failure)}
        </p>
      )}
      {status === "sending" && <p class="state">{t("log.sending")}</p>}
      {pending && <p class="state">{pending === "edit" ? t("log.saving") : t("log.deleting")}</p>}
    </li>
  );
}

const failedLabels = { edit: "log.notChanged", deletion: "log.notDeleted", reaction: "log.notStored" } as const;

function messageElementId(sequence: bigint): string {
  return `m${sequence}`;
}
