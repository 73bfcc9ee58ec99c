import { t } from "../../i18n";
import type { MessageRow } from "../../state/message-rows";
import { Dialog } from "../controls/dialog";

interface Props {
  readonly row: MessageRow;
  readonly onClose: () => void;
}

/** Who reacted to a message, by emoji. */
export function ReactorsDialog({ row, onClose }: Props) {
  return (
    <Dialog title={t("log.whoReacted")} kind="middle" onClose={onClose}>
      <dl class="reactors">
        {row.reactions.map(({ emoji, count, by }) => (
          <div key={emoji}>
            <dt>
              <span class="emoji">{emoji}</span> {count}
            </dt>
            <dd dir="auto">{by}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
