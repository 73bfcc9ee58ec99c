import { useRef } from "preact/hooks";
import { t } from "../../i18n";
import type { MessageRow, Row } from "../../state/message-rows";

/** How many messages are announced at once, and how much of each, in UTF-16 units. */
const maxAnnounced = 5;
const maxLength = 500;

interface Props {
  readonly rows: readonly Row[];
  /** Whether messages that are added at the end are new. */
  readonly isNews: boolean;
}

/** Announces new messages of others to screen readers. The log itself also adds rows when it is scrolled. */
export function Announcer({ rows, isNews }: Props) {
  const announced = useRef<readonly MessageRow[]>([]);
  const last = useRef(0n);
  const newest = newestSequence(rows);
  if (newest > last.current) {
    if (isNews && last.current > 0n) {
      const news = rows.filter((row) => row.kind === "message" && row.sequence > last.current && !row.own);
      announced.current = (news as MessageRow[]).slice(-maxAnnounced);
    }
    last.current = newest;
  }
  return (
    <div class="sr-only" aria-live="polite" aria-relevant="additions">
      {announced.current.map(({ key, sender, text }) => (
        <p key={key}>
          {t("log.announced", { name: sender.name || t("log.anonymous"), text: text.slice(0, maxLength) })}
        </p>
      ))}
    </div>
  );
}

function newestSequence(rows: readonly Row[]): bigint {
  const row = rows.findLast((r) => r.kind === "message" && r.sequence > 0n);
  return row?.kind === "message" ? row.sequence : 0n;
}
