// Hooks for React over the client. They hold no state of their own.

import { useCallback, useMemo, useSyncExternalStore } from "react";
import type { Auth, Chat, Member, MembersView, Room, Status, Store, TimelineView } from "../client/index";

/** Returns the value of a store, and draws again when it changes. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
}

/** Returns a room. It is joined while a component uses one of the hooks below with it. */
export function useRoom(chat: Chat, name: string): Room {
  return useMemo(() => chat.room(name), [chat, name]);
}

/** Returns the messages of a room, as they are now. */
export function useTimeline(room: Room): TimelineView {
  return useStore(room.timeline);
}

/** Returns a function that sends a message, and returns its id in the outbox. */
export function useSend(room: Room): (text: string, options?: { readonly replyTo?: bigint }) => string {
  return useCallback((text, options) => room.send(text, options), [room]);
}

/** Returns who is in a room. */
export function useMembers(room: Room): MembersView {
  return useStore(room.members);
}

/** Returns who else is writing in a room, and a function to call with each change of the user's draft. */
export function useTyping(room: Room): readonly [typists: readonly Member[], changed: (draft: string) => void] {
  const typists = useStore(room.typists);
  const changed = useCallback((draft: string) => room.typing(draft.trim() !== ""), [room]);
  return [typists, changed];
}

/** Returns how many messages are unread in a room, and a function that marks them as read. */
export function useUnread(room: Room): readonly [unread: number, markRead: () => void] {
  const unread = useStore(room.unread);
  const markRead = useCallback(() => room.markRead(), [room]);
  return [unread, markRead];
}

/** Returns what the connection is worth. */
export function useStatus(chat: Chat): Status {
  return useStore(chat.status);
}

/** Returns who the caller is. */
export function useAuth(chat: Chat): Auth {
  return useStore(chat.auth);
}
