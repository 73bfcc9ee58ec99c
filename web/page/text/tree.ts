// What a message is made of, once its source is parsed.

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "strong" | "emphasis" | "strike"; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | LinkNode
  | MentionNode;

export interface LinkNode {
  readonly kind: "link";
  /** An absolute http, https or mailto URL. */
  readonly href: string;
  /** Null for a URL or an address that stands in the text itself. */
  readonly label: readonly Inline[] | null;
  /** What is shown without a label. */
  readonly shown: string;
  /** The host that the link leads to, if its text suggests another one; null otherwise. */
  readonly realHost: string | null;
}

export interface MentionNode {
  readonly kind: "mention";
  /** As written, with the @. */
  readonly text: string;
  /** The name as the member has it, or "room" for everyone in the room. */
  readonly name: string;
  readonly everyone: boolean;
  /** Whether it means the reader. */
  readonly self: boolean;
}

export interface CodeBlock {
  readonly kind: "code";
  /** As written after the fence, in lower case; empty for none. */
  readonly language: string;
  readonly text: string;
}

export interface ListBlock {
  readonly kind: "list";
  readonly ordered: boolean;
  readonly items: readonly ListItem[];
}

export interface ListItem {
  /** The number of an ordered list's item. */
  readonly number: number;
  readonly children: readonly Inline[];
  readonly nested: readonly ListBlock[];
}

export type Block =
  | { readonly kind: "paragraph"; readonly children: readonly Inline[] }
  | { readonly kind: "quote"; readonly blocks: readonly Block[] }
  | CodeBlock
  | ListBlock;
