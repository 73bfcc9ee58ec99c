// Follows the rooms that the reader has visited, to find the messages there that deserve
// attention: the list of rooms only has their number.

import type { Chat, Event, Room } from "../../client";
import { type Arrival, type Mentions, withMention, withoutRead } from "./notice";

/** How many rooms are followed: the most recently active ones. */
const maxFollowed = 20;

interface Options {
  readonly chat: Chat;
  /** Whether a text mentions the reader, who has a name in the room. */
  readonly mentionsReader: (text: string, room: Room) => boolean;
  /** A text without its markup. */
  readonly plainText: (text: string) => string;
  readonly onArrival: (arrival: Arrival) => void;
  readonly onMentions: () => void;
}

/** The messages of others in the rooms that the reader has visited. */
export class RoomWatch {
  readonly #options: Options;
  readonly #followed = new Map<string, () => void>();
  readonly #stop: () => void;
  #mentions: Mentions = new Map();

  constructor(options: Options) {
    this.#options = options;
    const { rooms } = options.chat;
    this.#stop = rooms.subscribe(() => this.#update());
    this.#update();
  }

  /** The unread messages that mention the reader. */
  get mentions(): Mentions {
    return this.#mentions;
  }

  close(): void {
    this.#stop();
    for (const leave of this.#followed.values()) leave();
    this.#followed.clear();
  }

  /** Follows the rooms that are visited now, and drops the mentions that were read. */
  #update(): void {
    const known = [...(this.#options.chat.rooms.getSnapshot().rooms?.known.values() ?? [])];
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
    for (const name of names) {
      if (this.#followed.has(name)) continue;
      const room = this.#options.chat.room(name);
      this.#followed.set(
        name,
        room.onEvent((event) => this.#take(event, room)),
      );
    }
    for (const { name, readTo } of visited) this.#set(withoutRead(this.#mentions, name, readTo));
  }

  #take(event: Event, room: Room): void {
    const { body, sender, sequence } = event;
    const { memberIds } = room.getSnapshot().auth;
    if (body.kind !== "message" || (sender.id !== "" && memberIds.includes(sender.id))) return;
    const { mentionsReader, plainText, onArrival } = this.#options;
    const arrival: Arrival = {
      room: room.name,
      sequence,
      sender: sender.name,
      text: plainText(body.text),
      mentionsReader: mentionsReader(body.text, room),
    };
    if (arrival.mentionsReader) this.#set(withMention(this.#mentions, arrival));
    onArrival(arrival);
  }

  #set(mentions: Mentions): void {
    if (mentions === this.#mentions) return;
    this.#mentions = mentions;
    this.#options.onMentions();
  }
}
