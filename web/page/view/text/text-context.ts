import { createContext } from "preact";
import type { Mentionable } from "../../text";

/** The names that can be mentioned in the room on screen. The object stays the same until the names change. */
export const MentionContext = createContext<Omit<Mentionable, "everyone">>({ names: [], self: "" });

/** Opens a message of this service, or a room for the sequence 0; null where links are followed as usual. */
export const OpenMessageContext = createContext<((room: string, sequence: bigint) => void) | null>(null);

/** Whether a message is shown whole, and not folded. */
export const WholeContext = createContext(true);
