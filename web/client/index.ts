// The client library: what a user interface imports. Everything else in this folder
// is internal.

export { ChatError, type Failure, type FailureCode, failureOf, ownReasons } from "./failure";
export { type Auth, isOwn } from "./hub/auth";
export { type Connection, isOpen } from "./hub/connection";
export type { OutboxEntry, Unsent } from "./hub/outbox-entry";
export * from "./limits";
export * from "./model";
export type { DirectoryState } from "./rooms/room-directory";
export { type KnownRoom, manyUnread, type RoomList, unreadCount, unreadElsewhere } from "./rooms/room-list";
export { type Chat, type ChatOptions, createChat } from "./runtime/chat";
export { clock } from "./runtime/clock";
export type { GetToken } from "./runtime/hub-runner";
export type { MembersView, Room } from "./runtime/room";
export { type Status, statusOf } from "./runtime/status";
export type { Store } from "./runtime/store";
export type { CustomItem, MessageItem, TimelineItem, TimelineView } from "./runtime/timeline-view";
export type { Feed } from "./state/feed";
export type { History } from "./state/history";
export type { Pending, PendingEntry } from "./state/pending";
export { changedPost, type Post } from "./state/posts";
export type { Presence } from "./state/presence";
export { type Quote, type Quotes, quoteOf } from "./state/quotes";
export type { UnreadStart } from "./state/reading";
export type { Rename } from "./state/renames";
export { rightsOf } from "./state/rights";
export type { SessionState, Viewport } from "./state/session-state";
export type { Reset, Timeline } from "./state/timeline";
export type { Typing } from "./state/typing";
export { type ChatStorage, memoryStorage, type StorageChange } from "./storage/chat-storage";
export { localValues, StoredValues, tabValues } from "./storage/stored-values";
