import type { MessageRow } from "../../state/message-rows";

/** What a message's controls do. */
export interface MessageActions {
  readonly openMenu: (row: MessageRow, button: HTMLElement) => void;
  /** Adds the user's reaction with an emoji, or removes it. */
  readonly toggleReaction: (row: MessageRow, emoji: string) => void;
  /** Shows all emoji to react with. */
  readonly pickReaction: (row: MessageRow, button: HTMLElement) => void;
  readonly reply: (row: MessageRow) => void;
}
