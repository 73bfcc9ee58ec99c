import { Component, type ComponentChild, createRef, type RefObject } from "preact";
import { RowLayout, type RowRange } from "../../state/row-layout";
import { type Align, ListPlace, scrollPause } from "./list-place";
import { ListElements } from "./list-screen";
import { RedrawLimit } from "./redraw-limit";
import { RowMeter } from "./row-meter";

/** How much is drawn beyond both edges of the view, in pixels: at least, and as a part of its height. */
const overscan = { pixels: 600, part: 0.75 };
/** The part of that which is left when more is drawn: a drawing has a cost of its own, so that more often is dearer. */
const drawAtPart = 0.5;

/** What is in view. */
export interface ListView {
  /** Whether the list is scrolled to its end. */
  readonly atEnd: boolean;
  /** The index of the first row in view, and how far its top is below that of the view, in pixels: mostly negative. */
  readonly first: number;
  readonly firstTop: number;
  /** The index of the last row in view. */
  readonly last: number;
  /** How much there is to scroll before and after the view, in heights of the view. */
  readonly before: number;
  readonly after: number;
}

interface Props {
  /** Gets the list, for its methods. */
  readonly handle: RefObject<VirtualList | null>;
  readonly keys: readonly string[];
  /** Whether rows come after the last one only when they are new: a reader at the end stays there. */
  readonly endsWithLog: boolean;
  /** Draws a row, as one <li>. */
  readonly renderRow: (index: number) => ComponentChild;
  /** What is above the first row. */
  readonly before: ComponentChild;
  readonly label: string;
  /** The view has changed, or may have. */
  readonly onView: (view: ListView) => void;
  readonly onFocusIn: (event: FocusEvent) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

/**
 * A list that draws only the rows in view and some around them. Nothing in view moves
 * when rows come, go or change their height elsewhere; a reader at the end stays there.
 *
 * Rows must not have margins: the height of a row is that of its border box.
 */
export class VirtualList extends Component<Props> {
  readonly #layout = new RowLayout();
  readonly #boxRef = createRef<HTMLDivElement>();
  readonly #listRef = createRef<HTMLOListElement>();
  #keys: readonly string[] = [];
  /** The rows to draw. */
  #range: RowRange = { first: 0, end: 0 };
  /** Null before the list is drawn. */
  #place: ListPlace | null = null;
  /** Called when the row that is the goal is in view. */
  #onGoal: (row: HTMLElement) => void = () => {};
  #settling = 0;
  /** Whether rows were painted: until then, those in view are enough. */
  #isPainted = false;
  #painting = 0;
  #hadFocus = false;
  readonly #redraws = new RedrawLimit(() => this.#look());
  readonly #meter = new RowMeter(this.#layout, () => {
    this.#noticeScroll();
    this.#place?.followScroll();
    this.#update();
  });

  get box(): HTMLDivElement {
    return this.#boxRef.current as HTMLDivElement;
  }

  get #list(): HTMLOListElement {
    return this.#listRef.current as HTMLOListElement;
  }

  /** Scrolls to the end, and stays there. */
  scrollToEnd(): void {
    if (!this.#place) return;
    this.#place.goal = null;
    this.#place.isPinned = true;
    this.#drawAgain();
  }

  /** Scrolls to a row, which may not be drawn yet, and calls back once it is in view. */
  scrollToKey(key: string, align: Align, then: (row: HTMLElement) => void = () => {}): void {
    if (!this.#place || this.#layout.indexOf(key) < 0) return;
    this.#place.goal = { key, align };
    this.#place.isPinned = false;
    this.#onGoal = then;
    this.#drawAgain();
  }

  /** Returns the element of a row, null if it is not drawn. */
  elementOf(key: string): HTMLElement | null {
    const at = this.#layout.indexOf(key) - this.#first;
    return (this.#list.children[at] as HTMLElement | undefined) ?? null;
  }

  /** Returns the key of the row that an element is in, empty if it is in none. */
  keyOf(element: EventTarget | null): string {
    const { children } = this.#list;
    for (let i = 0; i < children.length; i++) {
      if (children[i]?.contains(element as Node)) return this.#keys[this.#first + i] ?? "";
    }
    return "";
  }

  override componentDidMount(): void {
    this.props.handle.current = this;
    this.#place = new ListPlace(this.#layout, new ListElements(this.box, this.#list));
    this.#place.isPinned = this.props.endsWithLog;
    this.#meter.observeView(this.box);
    this.#drawn();
  }

  override componentWillUnmount(): void {
    this.#meter.stop();
    this.#redraws.stop();
    clearTimeout(this.#settling);
    clearTimeout(this.#painting);
  }

  override getSnapshotBeforeUpdate(): null {
    this.#hadFocus = this.#list.contains(document.activeElement);
    return null;
  }

  override componentDidUpdate(): void {
    // The focus is lost with a row that is not drawn any more.
    if (this.#hadFocus && document.activeElement === document.body) this.box.focus({ preventScroll: true });
    this.#drawn();
  }

  /** The index of the first row that is drawn. */
  get #first(): number {
    return this.#place?.drawn.first ?? 0;
  }

  #drawAgain(): void {
    this.#redraws.reset();
    this.#range = this.#wantedRange();
    this.forceUpdate();
  }

  #drawn(): void {
    if (this.#place) this.#place.drawn = this.#range;
    this.#update();
    if (this.#painting === 0 && this.#keys.length > 0) this.#painting = window.setTimeout(this.#painted);
  }

  /** The rows in view are there: draws those around them. */
  readonly #painted = (): void => {
    this.#isPainted = true;
    this.#look();
  };

  /** Brings everything to its place after rows were drawn or have changed their height. */
  #update(): void {
    this.#meter.measure(this.#list.children, this.#keys, this.#first);
    const reached = this.#place?.update(this.#keys);
    const row = reached && this.elementOf(reached.key);
    if (row) this.#onGoal(row);
    this.#look();
  }

  #noticeScroll(): void {
    if (this.#place?.noticeScroll(this.props.endsWithLog)) this.#redraws.reset();
  }

  readonly #onScroll = (): void => {
    this.#noticeScroll();
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(this.#settle, scrollPause);
    this.#place?.record(this.#keys);
    this.#look();
  };

  readonly #settle = (): void => {
    this.#noticeScroll();
    this.#place?.followScroll();
    this.#place?.settle(this.#keys);
  };

  /** Draws other rows if the view comes near the edge of those that are drawn, and reports the view. */
  #look(): void {
    const height = this.#boxRef.current?.clientHeight;
    if (!this.#place || !height) return;
    const wanted = this.#wantedRange(drawAtPart);
    const { first, end } = this.#range;
    if (wanted.first >= first && wanted.end <= end) {
      this.#redraws.reset();
    } else if (this.#redraws.take()) {
      this.#range = this.#wantedRange();
      this.setState({});
    }
    const { top, isAtEnd } = this.#place;
    const { first: firstInView, end: endInView } = this.#layout.range(top, top + height - 1);
    this.props.onView({
      atEnd: isAtEnd,
      first: firstInView,
      firstTop: this.#layout.offset(firstInView) - top,
      last: endInView - 1,
      before: Math.max(0, top) / height,
      after: Math.max(0, this.#layout.total - top - height) / height,
    });
  }

  /** Returns the rows to draw, for a part of the overscan. */
  #wantedRange(part = 1): RowRange {
    const height = this.#boxRef.current?.clientHeight || window.innerHeight;
    return this.#around(this.#place ? this.#place.wantedTop : this.#layout.total - height, height, part);
  }

  #around(top: number, height: number, part: number): RowRange {
    const around = !this.#isPainted ? 0 : part * Math.max(overscan.pixels, overscan.part * height);
    return this.#layout.range(top - around, top + height + around);
  }

  override render({ keys, endsWithLog, renderRow, before, label, onFocusIn, onKeyDown }: Props) {
    const place = this.#place;
    if (place && !endsWithLog) place.isPinned = false;
    if (place && this.#keys.length > 0) {
      this.#noticeScroll();
      place.record(this.#keys);
    }
    if (keys !== this.#keys) {
      this.#keys = keys;
      this.#layout.setKeys(keys);
      this.#redraws.reset();
      this.#range = place
        ? this.#around(place.wantedTopAfterChange, this.box.clientHeight || window.innerHeight, 1)
        : this.#wantedRange();
    }
    const rows: ComponentChild[] = [];
    for (let i = this.#range.first; i < this.#range.end; i++) rows.push(renderRow(i));
    return (
      <div
        class="log"
        ref={this.#boxRef}
        role="log"
        aria-label={label}
        // Rows come and go when the user scrolls: new messages are announced elsewhere.
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls the log.
        tabIndex={0}
        onScroll={this.#onScroll}
        onKeyDown={onKeyDown}
      >
        {before}
        <ol ref={this.#listRef} onFocusIn={onFocusIn}>
          {rows}
        </ol>
      </div>
    );
  }
}
