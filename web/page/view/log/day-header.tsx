import { Component, createRef, type RefObject } from "preact";
import { t } from "../../i18n";
import { DateLabel, localDay } from "../controls/time";

interface Props {
  /** Gets the header, for its method. */
  readonly handle: RefObject<DayHeader | null>;
  /** The user wants to see the messages from a time on. */
  readonly onDate: (time: number) => void;
}

/**
 * The day of the first message in view, above the messages. A click asks for the day to go to. It is
 * told of the day by show: the messages are not drawn again for that.
 */
export class DayHeader extends Component<Props> {
  #day = 0;
  readonly #input = createRef<HTMLInputElement>();

  override componentDidMount(): void {
    this.props.handle.current = this;
  }

  /** Shows the day that begins at a time; none for 0. */
  show(day: number): void {
    if (day === this.#day) return;
    this.#day = day;
    this.setState({});
  }

  readonly #ask = (): void => {
    try {
      this.#input.current?.showPicker();
    } catch {
      this.#input.current?.focus(); // the browser has no calendar to show
    }
  };

  #choose(value: string): void {
    const time = new Date(`${value}T00:00:00`).getTime();
    if (!Number.isNaN(time)) this.props.onDate(time);
  }

  override render() {
    const day = this.#day;
    if (day === 0) return null;
    return (
      <div class="day-header">
        <button type="button" title={t("log.chooseDate")} onClick={this.#ask}>
          <DateLabel ms={day} />
        </button>
        <input
          ref={this.#input}
          type="date"
          tabIndex={-1}
          aria-label={t("log.chooseDate")}
          value={localDay(new Date(day))}
          max={localDay(new Date())}
          onChange={(event) => this.#choose(event.currentTarget.value)}
        />
      </div>
    );
  }
}
