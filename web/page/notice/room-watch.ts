// Follows the rooms that the reader has visited, to find the messages there that deserve
// attention: the list of rooms only has their number.

import { type Chat, type Event, isOwn, type Room } from "../../client";
import { mentionsSelf, plainText } from "../text";
import type { Arrival } from "./notice";

/** How many rooms are followed: the most recently active ones. */
const maxFollowed = 20;

interface Options {
  readonly chat: Chat;
  /** A message of another member has come. */
  readonly onArrival: (arrival: Arrival) => void;
  /** A message from before the room was followed is unread, and mentions the reader. */
  readonly onMissed: (arrival: Arrival) => void;
  /** A room was read up to a sequence. */
  readonly onRead: (room: string, sequence: bigint) => void;
}

/** The messages of others in the rooms that the reader has visited. */
export class RoomWatch {
  readonly #options: Options;
  /** What ends following, by room. */
  readonly #followed = new Map<string, () => void>();
  readonly #stop: () => void;

  constructor(options: Options) {
    this.#options = options;
    this.#stop = options.chat.rooms.subscribe(() => this.#update());
    this.#update();
  }

  close(): void {
    this.#stop();
    for (const leave of this.#followed.values()) leave();
    this.#followed.clear();
  }

  #update(): void {
    const { chat, onRead } = this.#options;
    const known = [...(chat.rooms.getSnapshot().rooms?.known.values() ?? [])];
    const visited = known
      .filter((room) => room.read !== null)
      .sort((a, b) => b.lastActivity - a.lastActivity)
      .slice(0, maxFollowed);
    const names = new Set(visited.map((room) => room.name));
    for (const [name, leave] of this.#followed) {
      if (names.has(name)) continue;
      leave();
      this.#followed.delete(name);
    }
    for (const name of names) if (!this.#followed.has(name)) this.#followed.set(name, this.#follow(chat.room(name)));
    for (const { name, readTo } of visited) onRead(name, readTo);
  }

  #follow(room: Room): () => void {
    const endEvents = room.onEvent((event) => this.#take(event, room));
    const endOnce = room.subscribe(() => {
      if (!room.getSnapshot().feed.caughtUpOnce) return;
      endOnce();
      this.#takeUnread(room);
    });
    return () => {
      endEvents();
      endOnce();
    };
  }

  #take({ body, sender, sequence }: Event, room: Room): void {
    if (body.kind !== "message" || isOwn(room.getSnapshot().auth, { sender })) return;
    this.#options.onArrival(arrivalOf(room, sequence, sender.name, body.text));
  }

  /** Looks for mentions among the messages that were unread when the room was joined. */
  #takeUnread(room: Room): void {
    const { timeline, unreadStart, auth } = room.getSnapshot();
    if (!unreadStart) return;
    for (const { sequence, sender, text } of timeline.posts) {
      if (text === null || sequence <= unreadStart.after.sequence || isOwn(auth, { sender })) continue;
      const arrival = arrivalOf(room, sequence, sender.name, text);
      if (arrival.mentionsReader) this.#options.onMissed(arrival);
    }
  }
}

function arrivalOf(room: Room, sequence: bigint, sender: string, text: string): Arrival {
  const { presence, auth, timeline, profile } = room.getSnapshot();
  const self = presence.self?.name || auth.name;
  // Another member's longer name, as "Ada 2", does not mention "Ada".
  const names = new Set([self, ...timeline.posts.map((post) => post.sender.name)]);
  for (const { name } of presence.members ?? []) names.add(name);
  return {
    room: room.name,
    title: profile.displayName || `#${room.name}`,
    sequence,
    sender,
    text: plainText(text),
    mentionsReader: self !== "" && mentionsSelf(text, [...names], self),
  };
}
