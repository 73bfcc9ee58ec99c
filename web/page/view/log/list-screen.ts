/** A part of a drawn row. Positions are in pixels below the top of the view. */
export interface RowPart {
  readonly isDrawn: boolean;
  readonly top: number;
  readonly bottom: number;
}

/** What a list has on screen. Positions are in pixels below the top of the view. */
export interface ListScreen {
  scrollTop: number;
  /** The height of the view. */
  readonly height: number;
  /** How much there is below the view. */
  readonly below: number;
  /** Where the list begins, with the space before its rows. */
  readonly top: number;
  /** How many rows are drawn. */
  readonly count: number;
  /** A row that is drawn. */
  row(index: number): RowPart;
  /** The part of a row that is kept at its place. */
  kept(index: number): RowPart;
  /** Sets the space before and after the rows, in pixels. */
  setSpace(before: number, after: number): void;
}

/** The elements of a list: a box that scrolls, and in it the list of the drawn rows. */
export class ListElements implements ListScreen {
  readonly box: HTMLElement;
  readonly list: HTMLElement;

  constructor(box: HTMLElement, list: HTMLElement) {
    this.box = box;
    this.list = list;
  }

  get scrollTop(): number {
    return this.box.scrollTop;
  }

  set scrollTop(top: number) {
    this.box.scrollTop = top;
  }

  get height(): number {
    return this.box.clientHeight;
  }

  get below(): number {
    const { scrollHeight, scrollTop, clientHeight } = this.box;
    return scrollHeight - scrollTop - clientHeight;
  }

  get top(): number {
    return new Part(this.box, this.list).top;
  }

  get count(): number {
    return this.list.children.length;
  }

  row(index: number): RowPart {
    return new Part(this.box, this.list.children[index] as Element);
  }

  /** The text rather than the row: a day and a sender go when earlier messages come. */
  kept(index: number): RowPart {
    const row = this.list.children[index] as Element;
    return new Part(this.box, row.querySelector(".text") ?? row);
  }

  setSpace(before: number, after: number): void {
    const { style } = this.list;
    style.paddingBlockStart = `${before}px`;
    style.paddingBlockEnd = `${after}px`;
  }
}

class Part implements RowPart {
  readonly #box: Element;
  readonly #element: Element;

  constructor(box: Element, element: Element) {
    this.#box = box;
    this.#element = element;
  }

  get isDrawn(): boolean {
    return this.#element.isConnected;
  }

  get top(): number {
    return this.#element.getBoundingClientRect().top - this.#box.getBoundingClientRect().top;
  }

  get bottom(): number {
    return this.#element.getBoundingClientRect().bottom - this.#box.getBoundingClientRect().top;
  }
}
