// Finds the messages that deserve attention in the rooms that the reader has visited. The list
// of rooms tells that there are new ones; they are then read, without joining the room: the
// reader is not there, for others.

import { type Chat, type Event, isOwn, type KnownRoom } from "../../client";
import { roomTitle } from "../state/room-title";
import { mentionsSelf, plainText } from "../text";
import type { Arrival } from "./notice";

/** How many rooms are watched: the most recently active ones. */
const maxWatched = 20;
/** How many of the newest messages are read at once. In a room with more, the ones before are skipped. */
const maxRead = 50;
/** How long after one reading of a room the next one may begin, in milliseconds. */
const pause = 2_000;

interface Options {
  readonly chat: Chat;
  /** A message of another member has come. */
  readonly onArrival: (arrival: Arrival) => void;
  /** A message from before the watch began is unread, and mentions the reader. */
  readonly onMissed: (arrival: Arrival) => void;
  /** A room was read up to a sequence. */
  readonly onRead: (room: string, sequence: bigint) => void;
}

interface Watched {
  /** The newest event that was looked at. */
  seen: bigint;
  /** Whether what comes next was there before the watch began. */
  isOld: boolean;
  isReading: boolean;
}

/** The messages of others in the rooms that the reader has visited. */
export class RoomWatch {
  readonly #options: Options;
  readonly #watched = new Map<string, Watched>();

  constructor(options: Options) {
    this.#options = options;
    options.chat.rooms.subscribe(() => this.#update());
    this.#update();
  }

  #update(): void {
    const { chat, onRead } = this.#options;
    const known = [...(chat.rooms.getSnapshot().rooms?.known.values() ?? [])];
    const visited = known
      .filter((room) => room.read !== null)
      .sort((a, b) => b.lastActivity - a.lastActivity)
      .slice(0, maxWatched);
    for (const room of visited) {
      onRead(room.name, room.readTo);
      void this.#read(room);
    }
  }

  async #read(room: KnownRoom): Promise<void> {
    const { chat } = this.#options;
    let watched = this.#watched.get(room.name);
    if (!watched) {
      const seen = chat.readCursor(room.name)?.sequence ?? room.head;
      watched = { seen, isOld: true, isReading: false };
      this.#watched.set(room.name, watched);
    }
    if (watched.isReading || room.head <= watched.seen) {
      if (room.head <= watched.seen) watched.isOld = false;
      return;
    }
    watched.isReading = true;
    try {
      const events = await chat.newestEvents(room.name, maxRead);
      const names = new Set(events.map(({ sender }) => sender.name));
      for (const event of events) this.#take(event, room, watched, names);
      watched.isOld = false;
    } catch {
      // Not readable any more, or out of reach: the next change is read again.
    }
    if (watched.seen < room.head) watched.seen = room.head;
    setTimeout(() => {
      watched.isReading = false;
      const now = chat.rooms.getSnapshot().rooms?.known.get(room.name);
      if (now && now.read !== null) void this.#read(now);
    }, pause);
  }

  #take({ body, sender, sequence }: Event, room: KnownRoom, watched: Watched, names: ReadonlySet<string>): void {
    if (sequence <= watched.seen) return;
    watched.seen = sequence;
    const { chat, onArrival, onMissed } = this.#options;
    const auth = chat.auth.getSnapshot();
    if (body.kind !== "message" || isOwn(auth, { sender })) return;
    const self = chat.room(room.name).getSnapshot().presence.self?.name || auth.name;
    const arrival: Arrival = {
      room: room.name,
      title: roomTitle(room.name, room.displayName),
      sequence,
      sender: sender.name,
      text: plainText(body.text),
      // Another member's longer name, as "Ada 2", does not mention "Ada".
      mentionsReader:
        self !== "" && mentionsSelf(body.text, { names: [self, ...names], self, everyone: sender.moderator === true }),
    };
    if (!watched.isOld) onArrival(arrival);
    else if (arrival.mentionsReader) onMissed(arrival);
  }
}
