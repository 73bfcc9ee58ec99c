// What is told while the reader looks elsewhere: mentions, as badges count them,
// notifications of the browser, and a sound.

import { type Chat, localValues } from "../../client";
import { changeSettings, settings } from "../settings/store";
import { roomSettings } from "../state/room-settings";
import { storageKey } from "../state/storage-key";
import { askPermission, noticePermission, showNotice } from "./browser-notice";
import {
  type Arrival,
  type Attention,
  decodeMentions,
  encodeMentions,
  isNotified,
  type Mentions,
  withMention,
  withoutRead,
} from "./notice";
import { RoomWatch } from "./room-watch";
import { playSound } from "./sound";

interface Options {
  readonly chat: Chat;
  readonly attention: () => Attention;
  readonly onMentions: () => void;
  /** Shows a message. */
  readonly open: (room: string, sequence: bigint) => void;
}

const key = storageKey("chatroom.mentions");
const askedKey = storageKey("chatroom.noticesOffered");

/**
 * The notices of this browser. One tab follows the rooms, and tells: the tabs agree on it
 * with a lock, where the browser has locks. The others learn the mentions from localStorage.
 */
export class Notices {
  readonly #options: Options;
  #mentions: Mentions = decodeMentions(localValues.getItem(key));
  #missed = false;

  constructor(options: Options) {
    this.#options = options;
    window.addEventListener("storage", (event) => {
      if (event.key === key) this.#take(decodeMentions(event.newValue));
    });
    // Without locks, as on plain http or where the browser refuses them, each tab counts for itself.
    if (!navigator.locks) this.#watch();
    else void navigator.locks.request(key, () => new Promise<never>(() => this.#watch())).catch(() => this.#watch());
  }

  /** The unread messages that mention the reader, by room. */
  get mentions(): Mentions {
    return this.#mentions;
  }

  /**
   * Whether to offer notifications: the reader was mentioned while away, has not turned them on, can
   * be asked, and has not declined before.
   */
  get isOffered(): boolean {
    const { notifications } = settings.getSnapshot();
    return (
      this.#missed &&
      notifications === "off" &&
      noticePermission() === "default" &&
      localValues.getItem(askedKey) === null
    );
  }

  /** The reader has answered the offer. */
  answerOffer(accepted: boolean): void {
    localValues.setItem(askedKey, "yes");
    this.#missed = false;
    this.#options.onMentions();
    if (!accepted) return;
    void askPermission().then((permission) => {
      if (permission === "granted") changeSettings({ notifications: "mentions" });
    });
  }

  #watch(): void {
    const mention = (arrival: Arrival) => this.#change(withMention(this.#mentions, arrival));
    new RoomWatch({
      chat: this.#options.chat,
      onMissed: mention,
      onRead: (room, sequence) => this.#change(withoutRead(this.#mentions, room, sequence)),
      onArrival: (arrival) => {
        if (arrival.mentionsReader) mention(arrival);
        this.#tell(arrival);
      },
    });
  }

  #tell(arrival: Arrival): void {
    const { notifications, sound } = settings.getSnapshot();
    if (arrival.mentionsReader && document.hidden) this.#missed = true;
    const level = roomSettings.getSnapshot().get(arrival.room) ?? "all";
    const { attention, open } = this.#options;
    if (!isNotified(arrival, notifications, level, attention())) return;
    if (sound === "on") playSound();
    void showNotice(arrival, () => open(arrival.room, arrival.sequence));
  }

  #change(mentions: Mentions): void {
    if (mentions === this.#mentions) return;
    localValues.setItem(key, encodeMentions(mentions));
    this.#take(mentions);
  }

  #take(mentions: Mentions): void {
    this.#mentions = mentions;
    this.#options.onMentions();
  }
}
