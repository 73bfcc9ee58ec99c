import type { TargetedSubmitEvent } from "preact";
import { t } from "../../i18n";
import { roomCount } from "../../state/labels";

interface Props {
  readonly text: string;
  /** How many rooms match. */
  readonly matches: number;
  /** Whether there are rooms that were not searched. */
  readonly hasMore: boolean;
  readonly onText: (text: string) => void;
  readonly onSubmit: () => void;
}

/** A field that filters the list of rooms. Enter opens the first match. */
export function RoomFilter({ text, matches, hasMore, onText, onSubmit }: Props) {
  const isEmpty = text.trim() === "";
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!isEmpty) onSubmit();
  };
  return (
    <form class="filter" role="search" aria-label={t("rooms.filter")} onSubmit={submit}>
      <input
        type="search"
        name="filter"
        aria-label={t("rooms.filter")}
        placeholder={t("rooms.filter")}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        enterkeyhint="go"
        maxLength={80}
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <p class="sr-only" role="status">
        {isEmpty ? "" : t("rooms.matches", { count: matches, number: roomCount(matches, hasMore) })}
      </p>
    </form>
  );
}
