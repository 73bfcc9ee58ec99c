import { useRef } from "preact/hooks";
import { t } from "../../i18n";
import { DateLabel, localDay } from "../controls/time";

interface Props {
  /** The beginning of the day. */
  readonly day: number;
  /** The user wants to see the messages from a time on. */
  readonly onDate: (time: number) => void;
}

/** The day of the first message in view, above the messages. A click asks for the day to go to. */
export function DayHeader({ day, onDate }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const ask = () => {
    try {
      input.current?.showPicker();
    } catch {
      input.current?.focus(); // the browser has no calendar to show
    }
  };
  const choose = (value: string) => {
    const time = new Date(`${value}T00:00:00`).getTime();
    if (!Number.isNaN(time)) onDate(time);
  };
  return (
    <div class="day-header">
      <button type="button" title={t("log.chooseDate")} onClick={ask}>
        <DateLabel ms={day} />
      </button>
      <input
        ref={input}
        type="date"
        tabIndex={-1}
        aria-label={t("log.chooseDate")}
        value={localDay(new Date(day))}
        max={localDay(new Date())}
        onChange={(event) => choose(event.currentTarget.value)}
      />
    </div>
  );
}
