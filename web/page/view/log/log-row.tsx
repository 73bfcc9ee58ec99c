import { Component, type ComponentChild } from "preact";
import { rich, t } from "../../i18n";
import type { Dispatch } from "../../state/act";
import { type CustomRow, isSameRow, type Row } from "../../state/message-rows";
import { DateLabel } from "../controls/time";
import { MessageItem } from "./message";
import type { MessageActions } from "./message-actions";

interface Props {
  readonly row: Row;
  readonly active: boolean;
  readonly canReact: boolean;
  /** The form that stands in the place of the message's text; null if it is not edited. */
  readonly editor: ComponentChild;
  readonly actions: MessageActions;
  readonly dispatch: Dispatch;
}

/** A row of the log. It is drawn again only if it looks different. */
export class LogRow extends Component<Props> {
  override shouldComponentUpdate({ row, active, canReact, editor }: Props): boolean {
    if ((editor === null) !== (this.props.editor === null)) return true;
    return active !== this.props.active || canReact !== this.props.canReact || !isSameRow(row, this.props.row);
  }

  override render(props: Props) {
    const { row } = props;
    switch (row.kind) {
      case "day":
        return (
          <li class="divider">
            <DateLabel ms={row.time} />
          </li>
        );
      case "custom":
        return (
          <li class="custom-events">
            <span>{customLabel(row)}</span>
          </li>
        );
      case "gap":
        return (
          <li class="divider">
            <span>{t("log.gap")}</span>
          </li>
        );
      case "unread":
        return (
          <li class="divider unread">
            <span>{t("log.unread")}</span>
          </li>
        );
      case "renamed":
        return (
          <li class="custom-events">
            <span>{rich("log.renamed", { from: <bdi>{row.from}</bdi>, to: <bdi>{row.to}</bdi> })}</span>
          </li>
        );
      case "message":
        return <MessageItem {...props} row={row} />;
    }
  }
}

/** Only its application knows how to show a custom event. */
function customLabel({ type, count }: CustomRow): string {
  const events = t("log.customEvents", { count });
  return type === "" ? events : `${events} (${type})`;
}
