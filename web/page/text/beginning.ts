// The beginning of a message, of which a folded one shows no more: thousands of elements would take
// the browser a second to draw.

import type { Block, Inline, ListBlock } from "./tree";

/** How many elements a block of code takes, with its button. */
const codeCost = 10;

export interface Beginning {
  readonly blocks: readonly Block[];
  /** Whether something is left out. */
  readonly isCut: boolean;
}

/** Returns the blocks with about so many nodes at most. */
export function beginning(blocks: readonly Block[], most: number): Beginning {
  const budget = new Budget(most);
  const cut = budget.blocks(blocks);
  return budget.isCut ? { blocks: cut, isCut: true } : { blocks, isCut: false };
}

class Budget {
  isCut = false;
  #left: number;

  constructor(left: number) {
    this.#left = left;
  }

  blocks(blocks: readonly Block[]): Block[] {
    return this.#take(blocks, (block) => {
      switch (block.kind) {
        case "paragraph":
          return { ...block, children: this.#inlines(block.children) };
        case "quote":
          return { ...block, blocks: this.blocks(block.blocks) };
        case "code":
          this.#left -= codeCost;
          return block;
        case "list":
          return this.#list(block);
      }
    });
  }

  #list(list: ListBlock): ListBlock {
    const items = this.#take(list.items, (item) => ({
      ...item,
      children: this.#inlines(item.children),
      nested: this.#take(item.nested, (nested) => this.#list(nested)),
    }));
    return { ...list, items };
  }

  #inlines(inlines: readonly Inline[]): Inline[] {
    return this.#take(inlines, (inline) =>
      "children" in inline ? { ...inline, children: this.#inlines(inline.children) } : inline,
    );
  }

  /** Takes nodes while there is something left. */
  #take<T>(nodes: readonly T[], cut: (node: T) => T): T[] {
    const taken: T[] = [];
    for (const node of nodes) {
      if (this.#left <= 0) {
        this.isCut = true;
        break;
      }
      this.#left--;
      taken.push(cut(node));
    }
    return taken;
  }
}
