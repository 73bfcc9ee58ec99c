import { Component, type ComponentChild, createRef, type RefObject } from "preact";
import { RowLayout, type RowRange } from "../../state/row-layout";

/** How far from the end still counts as the end, in pixels. */
const endTolerance = 48;
/** How much is drawn beyond both edges of the view, in pixels: at least, and as a part of its height. */
const overscan = { pixels: 600, part: 0.75 };
/** How long after the last scroll event the user still scrolls, in milliseconds. */
const scrollPause = 150;
/** How many rows in view are looked at to keep the position. */
const maxAnchors = 6;

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

/** Where a row is to be in the view: in the middle, or with its top so many pixels below that of the view. */
export type Align = "center" | number;

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

interface Goal {
  readonly key: string;
  readonly align: Align;
  readonly then: (row: HTMLElement) => void;
}

/** A row in view, and where it was. */
interface Anchor {
  readonly key: string;
  readonly element: Element;
  top: number;
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
  #keys: readonly string[] | null = null;
  /** The rows to draw, and those that are drawn. */
  #range: RowRange = { first: 0, end: 0 };
  #drawn: RowRange = { first: 0, end: 0 };
  #anchors: Anchor[] = [];
  /** The scroll position at which the anchors were recorded. */
  #anchorsTop = 0;
  #goal: Goal | null = null;
  #pinned = true;
  /** How far the drawn rows are below their place in the layout: corrected when the user pauses. */
  #drift = 0;
  #lastScroll = Number.NEGATIVE_INFINITY;
  /** The scroll position that was written or reported last. */
  #lastTop = 0;
  #settling = 0;
  #hadFocus = false;
  readonly #observed = new Set<Element>();
  readonly #resizeObserver = new ResizeObserver(() => {
    this.#noticeScroll();
    this.#moveAnchors();
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
    this.#goal = null;
    this.#pinned = true;
    this.#drawAgain();
  }

  /** Leaves the end: the view stays where it is when rows are added. */
  unpin(): void {
    this.#pinned = false;
  }

  /** Scrolls to a row, which may not be drawn yet, and calls back once it is in view. */
  scrollToKey(key: string, align: Align, then: (row: HTMLElement) => void = () => {}): void {
    if (this.#layout.indexOf(key) < 0) return;
    this.#goal = { key, align, then };
    this.#pinned = false;
    this.#drawAgain();
  }

  /** Returns the element of a row, null if it is not drawn. */
  elementOf(key: string): HTMLElement | null {
    const at = this.#layout.indexOf(key) - this.#drawn.first;
    return (this.#list.children[at] as HTMLElement | undefined) ?? null;
  }

  /** Returns the key of the row that an element is in, empty if it is in none. */
  keyOf(element: EventTarget | null): string {
    const { children } = this.#list;
    for (let i = 0; i < children.length; i++) {
      if (children[i]?.contains(element as Node)) return this.#keys?.[this.#drawn.first + i] ?? "";
    }
    return "";
  }

  override componentDidMount(): void {
    this.props.handle.current = this;
    this.#drawn = this.#range;
    this.#resizeObserver.observe(this.box);
    this.#update();
  }

  override componentWillUnmount(): void {
    this.#resizeObserver.disconnect();
    clearTimeout(this.#settling);
  }

  override getSnapshotBeforeUpdate(): null {
    this.#hadFocus = this.#list.contains(document.activeElement);
    return null;
  }

  override componentDidUpdate(): void {
    this.#drawn = this.#range;
    // The focus is lost with a row that is not drawn any more.
    if (this.#hadFocus && document.activeElement === document.body) this.box.focus({ preventScroll: true });
    this.#update();
  }

  #drawAgain(): void {
    this.#range = this.#wantedRange();
    this.forceUpdate();
  }

  /** Brings everything to its place after rows were drawn or have changed their height. */
  #update(): void {
    this.#measure();
    this.#place(performance.now() - this.#lastScroll < scrollPause);
    this.#look();
  }

  #measure(): void {
    const { children } = this.#list;
    const drawn = new Set<Element>(children);
    for (const element of this.#observed) {
      if (drawn.has(element)) continue;
      this.#resizeObserver.unobserve(element);
      this.#observed.delete(element);
    }
    for (let i = 0; i < children.length; i++) {
      const element = children[i] as Element;
      const key = this.#keys?.[this.#drawn.first + i];
      if (key !== undefined) this.#layout.setHeight(key, element.getBoundingClientRect().height);
      if (this.#observed.has(element)) continue;
      this.#observed.add(element);
      this.#resizeObserver.observe(element);
    }
  }

  /**
   * Sets the space before and after the drawn rows, and the scroll position. While the
   * user scrolls, that position is left alone, as writing it would stop a fling: the
   * space before the rows takes up what rows above them differ from what was assumed.
   */
  #place(isScrolling: boolean): void {
    const { box } = this;
    const start = this.#layout.offset(this.#drawn.first);
    this.#setSpace(isScrolling ? start + this.#drift : start);
    const goal = this.#goal;
    const row = goal && this.elementOf(goal.key);
    if (goal && row) {
      this.#goal = null;
      this.#setSpace(start);
      const { top, height } = row.getBoundingClientRect();
      const wanted = goal.align === "center" ? Math.max(0, (box.clientHeight - height) / 2) : goal.align;
      this.#scrollBy(top - this.#edge - wanted);
      this.#recordAnchors();
      goal.then(row);
      return;
    }
    if (this.#pinned) {
      this.#setSpace(start);
      this.#scrollTo(box.scrollHeight);
    } else {
      this.#keepPlace(isScrolling, start);
    }
    this.#recordAnchors();
  }

  #keepPlace(isScrolling: boolean, start: number): void {
    const anchor = this.#anchors.find(({ element }) => element.isConnected);
    if (!anchor) return;
    const moved = anchor.element.getBoundingClientRect().top - this.#edge - anchor.top;
    if (Math.abs(moved) < 0.5) return;
    const drift = this.#drift - moved;
    if (isScrolling && start + drift >= 0) {
      this.#setSpace(start + drift);
    } else {
      this.#setSpace(start);
      this.#scrollBy(anchor.element.getBoundingClientRect().top - this.#edge - anchor.top);
    }
  }

  #setSpace(before: number): void {
    const { first, end } = this.#drawn;
    const space = Math.max(0, before);
    this.#drift = space - this.#layout.offset(first);
    const { style } = this.#list;
    style.paddingBlockStart = `${space}px`;
    style.paddingBlockEnd = `${this.#layout.total - this.#layout.offset(end)}px`;
  }

  #scrollBy(delta: number): void {
    if (delta !== 0) this.#scrollTo(this.box.scrollTop + delta);
  }

  #scrollTo(top: number): void {
    this.box.scrollTop = top;
    this.#lastTop = this.box.scrollTop;
  }

  get #edge(): number {
    return this.box.getBoundingClientRect().top;
  }

  /** Remembers where the first rows in view are. Texts rather than rows: days and senders go when earlier messages come. */
  #recordAnchors(): void {
    const { children } = this.#list;
    const edge = this.#edge;
    const bottom = edge + this.box.clientHeight;
    this.#anchors = [];
    this.#anchorsTop = this.box.scrollTop;
    for (let i = this.#firstInView(edge); i < children.length && this.#anchors.length < maxAnchors; i++) {
      const row = children[i] as Element;
      const element = row.querySelector(".text") ?? row;
      const rect = element.getBoundingClientRect();
      if (rect.top >= bottom) break;
      if (rect.bottom <= edge) continue;
      this.#anchors.push({ key: this.#keys?.[this.#drawn.first + i] ?? "", element, top: rect.top - edge });
    }
  }

  /** The user has scrolled since the anchors were recorded, if the position is another one. */
  #moveAnchors(): void {
    const { scrollTop } = this.box;
    for (const anchor of this.#anchors) anchor.top -= scrollTop - this.#anchorsTop;
    this.#anchorsTop = scrollTop;
  }

  /** Returns the index among the drawn rows of the first one that ends below a position on screen. */
  #firstInView(edge: number): number {
    const { children } = this.#list;
    let low = 0;
    for (let high = children.length; low < high; ) {
      const middle = (low + high) >> 1;
      if ((children[middle] as Element).getBoundingClientRect().bottom <= edge) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  get #isAtEnd(): boolean {
    return this.#below <= endTolerance;
  }

  /** How much there is below the view, in pixels. */
  get #below(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.box;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** Notices that the user scrolls, which may be before the event that reports it. */
  #noticeScroll(): void {
    const { scrollTop } = this.box;
    const scrolled = scrollTop - this.#lastTop;
    if (Math.abs(scrolled) <= 1) return;
    this.#lastScroll = performance.now();
    // Up by a few pixels is away from the end, unless there is nothing below: the rows have become shorter.
    if (scrolled < 0) this.#pinned = this.#pinned && this.#below <= 1;
    else if (this.#isAtEnd && this.props.endsWithLog) this.#pinned = true;
    this.#lastTop = scrollTop;
  }

  readonly #onScroll = (): void => {
    this.#noticeScroll();
    clearTimeout(this.#settling);
    this.#settling = window.setTimeout(this.#settle, scrollPause);
    this.#recordAnchors();
    this.#look();
  };

  /** The user has paused: the rows are moved to their place in the layout, and the scroll position with them. */
  readonly #settle = (): void => {
    this.#noticeScroll();
    this.#moveAnchors();
    if (Math.abs(this.#drift) >= 1) this.#place(false);
  };

  /** Draws other rows if the view comes near the edge of those that are drawn, and reports the view. */
  #look(): void {
    const { box } = this;
    if (box.clientHeight === 0) return;
    const wanted = this.#wantedRange(0.5);
    const { first, end } = this.#range;
    if (wanted.first < first || wanted.end > end) {
      this.#range = this.#wantedRange();
      this.setState({});
    }
    const from = this.#viewTop;
    const { first: firstInView, end: endInView } = this.#layout.range(from, from + box.clientHeight - 1);
    this.props.onView({
      atEnd: this.#isAtEnd,
      first: firstInView,
      firstTop: this.#layout.offset(firstInView) - from,
      last: endInView - 1,
      before: Math.max(0, from) / box.clientHeight,
      after: Math.max(0, this.#layout.total - from - box.clientHeight) / box.clientHeight,
    });
  }

  /** The position of the view's top in the layout. */
  get #viewTop(): number {
    return this.#edge - this.#list.getBoundingClientRect().top - this.#drift;
  }

  /** Returns the rows to draw, for a part of the overscan. */
  #wantedRange(part = 1): RowRange {
    const box = this.#boxRef.current;
    const height = box?.clientHeight || window.innerHeight;
    const around = part * Math.max(overscan.pixels, overscan.part * height);
    const top = this.#wantedTop(height);
    return this.#layout.range(top - around, top + height + around);
  }

  /** Returns where the top of the view is to be in the layout. */
  #wantedTop(height: number): number {
    const layout = this.#layout;
    if (this.#goal) {
      const { key, align } = this.#goal;
      return layout.offset(layout.indexOf(key)) - (align === "center" ? height / 2 : align);
    }
    if (this.#pinned) return layout.total - height;
    return this.#viewTop;
  }

  /** Returns the rows to draw after rows have come or gone. */
  #rangeAfterChange(): RowRange {
    if (this.#goal && this.#layout.indexOf(this.#goal.key) < 0) this.#goal = null;
    const box = this.#boxRef.current;
    if (!box || this.#goal || this.#pinned) return this.#wantedRange();
    const anchor = this.#anchors.find(({ key }) => this.#layout.indexOf(key) >= 0);
    if (!anchor) return this.#wantedRange();
    const around = Math.max(overscan.pixels, overscan.part * box.clientHeight);
    const top = this.#layout.offset(this.#layout.indexOf(anchor.key)) - anchor.top;
    return this.#layout.range(top - around, top + box.clientHeight + around);
  }

  override render({ keys, endsWithLog, renderRow, before, label, onFocusIn, onKeyDown }: Props) {
    if (!endsWithLog) this.#pinned = false;
    if (this.#boxRef.current) {
      this.#noticeScroll();
      this.#recordAnchors();
    }
    if (keys !== this.#keys) {
      this.#keys = keys;
      this.#layout.setKeys(keys);
      this.#range = this.#rangeAfterChange();
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
