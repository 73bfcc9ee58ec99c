import type { RowLayout, RowRange } from "../../state/row-layout";
import type { ListScreen, RowPart } from "./list-screen";

/** How far from the end still counts as the end, in pixels. */
const endTolerance = 48;
/** How long after the last scroll event the user still scrolls, in milliseconds. */
export const scrollPause = 150;
/** How many rows in view are looked at to keep the position. */
const maxAnchors = 6;

/** Where a row is to be in the view: in the middle, or with its top so many pixels below that of the view. */
export type Align = "center" | number;

export interface Goal {
  readonly key: string;
  readonly align: Align;
}

/** A row in view, and where it was. */
interface Anchor {
  readonly key: string;
  readonly part: RowPart;
  top: number;
}

/**
 * The place of a list in its view: at the end, at a row that is to be shown, or where the user has
 * scrolled to. Nothing in view moves when rows elsewhere come, go or change their height.
 */
export class ListPlace {
  /** The rows that are drawn. */
  drawn: RowRange = { first: 0, end: 0 };
  /** The row that is to be shown once it is drawn. */
  goal: Goal | null = null;
  /** Whether the reader is at the end, and stays there. */
  isPinned = true;
  readonly #layout: RowLayout;
  readonly #screen: ListScreen;
  #anchors: Anchor[] = [];
  /** The scroll position at which the anchors were recorded. */
  #anchorsTop = 0;
  /** How far the drawn rows are below their place in the layout: corrected when the user pauses. */
  #drift = 0;
  #lastScroll = Number.NEGATIVE_INFINITY;
  /** The scroll position that was written or reported last. */
  #lastTop = 0;

  constructor(layout: RowLayout, screen: ListScreen) {
    this.#layout = layout;
    this.#screen = screen;
  }

  get isAtEnd(): boolean {
    return this.#screen.below <= endTolerance;
  }

  /** The position of the view's top in the layout. */
  get top(): number {
    return -this.#screen.top - this.#drift;
  }

  /** The position in the layout where the view's top is to be. */
  get wantedTop(): number {
    const { height } = this.#screen;
    if (this.goal) {
      const { key, align } = this.goal;
      return this.#layout.offset(this.#layout.indexOf(key)) - (align === "center" ? height / 2 : align);
    }
    return this.isPinned ? this.#layout.total - height : this.top;
  }

  /** The same after rows have come or gone. */
  get wantedTopAfterChange(): number {
    if (this.goal && this.#layout.indexOf(this.goal.key) < 0) this.goal = null;
    const anchor = this.#anchors.find(({ key }) => this.#layout.indexOf(key) >= 0);
    if (!anchor || this.goal || this.isPinned) return this.wantedTop;
    return this.#layout.offset(this.#layout.indexOf(anchor.key)) - anchor.top;
  }

  /**
   * Notices that the user has scrolled, which may be before the event that reports it, and returns whether
   * that is so. endsWithLog: whether a user who scrolls to the end stays there.
   */
  noticeScroll(endsWithLog: boolean): boolean {
    const { scrollTop } = this.#screen;
    const scrolled = scrollTop - this.#lastTop;
    if (Math.abs(scrolled) <= 1) return false;
    this.#lastScroll = performance.now();
    // Up by a few pixels is away from the end, unless there is nothing below: the rows have become shorter.
    if (scrolled < 0) this.isPinned = this.isPinned && this.#screen.below <= 1;
    else if (this.isAtEnd && endsWithLog) this.isPinned = true;
    this.#lastTop = scrollTop;
    return true;
  }

  /** Remembers where the first rows in view are. */
  record(keys: readonly string[]): void {
    const screen = this.#screen;
    const { height, count } = screen;
    this.#anchors = [];
    this.#anchorsTop = screen.scrollTop;
    for (let i = this.#firstInView(); i < count && this.#anchors.length < maxAnchors; i++) {
      const part = screen.kept(i);
      const { top } = part;
      if (top >= height) break;
      if (part.bottom > 0) this.#anchors.push({ key: keys[this.drawn.first + i] ?? "", part, top });
    }
  }

  /** The user has scrolled since the rows in view were recorded, if the position is another one. */
  followScroll(): void {
    const { scrollTop } = this.#screen;
    for (const anchor of this.#anchors) anchor.top -= scrollTop - this.#anchorsTop;
    this.#anchorsTop = scrollTop;
  }

  /** The user has paused: the rows are moved to their place in the layout, and the scroll position with them. */
  settle(keys: readonly string[]): void {
    if (Math.abs(this.#drift) < 1) return;
    this.#keep(false);
    this.record(keys);
  }

  /**
   * Brings everything to its place after rows were drawn or have changed their height. Returns the goal, once its
   * row is shown.
   */
  update(keys: readonly string[]): Goal | null {
    const reached = this.#showGoal();
    if (!reached) this.#keep(performance.now() - this.#lastScroll < scrollPause);
    this.record(keys);
    return reached;
  }

  #showGoal(): Goal | null {
    const { goal } = this;
    if (!goal) return null;
    const index = this.#layout.indexOf(goal.key);
    if (index < this.drawn.first || index >= this.drawn.end) return null;
    this.goal = null;
    this.#setDrift(0);
    const { top, bottom } = this.#screen.row(index - this.drawn.first);
    const wanted = goal.align === "center" ? Math.max(0, (this.#screen.height - (bottom - top)) / 2) : goal.align;
    this.#scrollBy(top - wanted);
    return goal;
  }

  /**
   * While the user scrolls, the scroll position is left alone, as writing it would stop a fling: the space
   * before the rows takes up what rows above differ from what was assumed. Before the first row there is no
   * such space: a user who scrolled into it would see the rows move when it goes.
   */
  #keep(isScrolling: boolean): void {
    const canDrift = isScrolling && this.drawn.first > 0;
    this.#setDrift(canDrift ? this.#drift : 0);
    if (this.isPinned) {
      this.#setDrift(0);
      this.#scrollTo(this.#screen.scrollTop + this.#screen.below + 1);
      return;
    }
    const anchor = this.#anchors.find(({ part }) => part.isDrawn);
    if (!anchor) return;
    const moved = anchor.part.top - anchor.top;
    if (Math.abs(moved) < 0.5) return;
    const drift = this.#drift - moved;
    if (canDrift && this.#layout.offset(this.drawn.first) + drift >= 0) {
      this.#setDrift(drift);
    } else {
      this.#setDrift(0);
      this.#scrollBy(anchor.part.top - anchor.top);
    }
  }

  /** Sets the space before and after the drawn rows. */
  #setDrift(drift: number): void {
    const { first, end } = this.drawn;
    const start = this.#layout.offset(first);
    const space = Math.max(0, start + drift);
    this.#drift = space - start;
    this.#screen.setSpace(space, this.#layout.total - this.#layout.offset(end));
  }

  #scrollBy(delta: number): void {
    if (delta !== 0) this.#scrollTo(this.#screen.scrollTop + delta);
  }

  #scrollTo(top: number): void {
    this.#screen.scrollTop = top;
    this.#lastTop = this.#screen.scrollTop;
  }

  /** Returns the index among the drawn rows of the first one that ends below the top of the view. */
  #firstInView(): number {
    let low = 0;
    for (let high = this.#screen.count; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.#screen.row(middle).bottom <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
