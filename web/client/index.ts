// The client library: what a user interface imports. Everything else in this folder
// is internal.

export { ChatError, type Failure, type FailureCode, failureOf } from "./failure";
export * from "./limits";
export * from "./model";
export { type DirectoryState, RoomDirectory } from "./rooms/room-directory";
export { type KnownRoom, manyUnread, type RoomList, unreadCount, unreadElsewhere } from "./rooms/room-list";
export type { Dispatch, Input } from "./session/input";
export { step } from "./session/session";
export { type Auth, isOwn } from "./state/auth";
export { type Connection, isOpen } from "./state/connection";
export type { Effect, Timer } from "./state/effect";
export { type OutboxEntry, restoreEntries } from "./state/outbox";
export { changedPost, type Post } from "./state/posts";
export type { Presence } from "./state/presence";
export { type Quote, quoteOf } from "./state/quotes";
export { rightsOf } from "./state/rights";
export { initialState, type SessionState, type Viewport } from "./state/session-state";
export type { Typing } from "./state/typing";
export {
  createListRooms,
  createRoomService,
  largePageSize,
  pageSize,
  type RoomService,
} from "./transport/room-service";
export { canShareStreams, SharedStream } from "./transport/shared-stream";
