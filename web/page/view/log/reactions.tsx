import { t } from "../../i18n";
import type { MessageRow, ReactionRow } from "../../state/message-rows";
import type { MessageActions } from "./message-actions";

interface ReactionsProps {
  readonly row: MessageRow;
  readonly tabIndex: number;
  readonly canReact: boolean;
  readonly actions: MessageActions;
}

/** The reactions to a message, as buttons that add or remove the user's own. */
export function Reactions({ row, tabIndex, canReact, actions }: ReactionsProps) {
  return (
    <ul class="chips" aria-label={t("log.reactions")} aria-live="off">
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
  return t("log.reactedBy", { emoji, count, names: by });
}
