import type { RoomProfile } from "../../../client";

/** What the user does with rooms. */
export interface RoomActions {
  readonly open: (room: string) => void;
  /** Creates a room. It rejects with a ChatError. */
  readonly create: (room: string, profile: RoomProfile) => Promise<void>;
  readonly leave: (room: string) => void;
  /** Marks a room as read. It rejects with a ChatError. */
  readonly markRead: (room: string) => Promise<void>;
  /** Returns the link to share. */
  readonly linkTo: (room: string) => string;
}
