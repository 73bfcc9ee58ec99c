import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { ChatError } from "../failure";
import { isFrom } from "../hub/outbox";
import { isValidText, normalizeText } from "../limits";
import type { Cursor, Event, Member, RoomProfile, SendBody } from "../model";
import type { Input, RoomNews } from "../session/input";
import { step } from "../session/session";
import type { Timer } from "../state/effect";
import type { MessageCount } from "../state/message-count";
import { entryOf } from "../state/pending";
import { quoteOf } from "../state/quotes";
import { initialState, type SessionState } from "../state/session-state";
import type { ChatService } from "../transport/chat-service";
import { clock, newId } from "./clock";
import { customBody, decodedCustom } from "./custom-body";
import { findTime } from "./find-time";
import { RoomEffects } from "./room-effects";
import { callBack, derived, type Store, Subscribers } from "./store";
import type { Shared } from "./tab-message";
import { type TimelineView, timelineView } from "./timeline-view";
import { Timers } from "./timers";

/** What a room is given by the chat that it belongs to. */
export interface RoomContext {
  readonly service: Pick<
    ChatService,
    "send" | "sendTyping" | "listEvents" | "listMembers" | "setProfile" | "sendCustom"
  >;
  readonly shared: () => Shared;
  /** Watches a call for its answer. */
  readonly watch: <T>(call: Promise<T>) => Promise<T>;
  /** The room is wanted from now on, or not any more. */
  readonly wanted: (room: Room, isWanted: boolean) => void;
  readonly send: (entry: { readonly id: string; readonly room: string; readonly body: SendBody }) => void;
  readonly retry: (id: string, body: SendBody) => void;
  readonly discard: (id: string) => void;
  readonly read: (room: string, cursor: Cursor) => void;
  /** Returns how far a room was read in this browser, null if it never was. */
  readonly readCursor: (room: string) => Cursor | null;
}

/** Who is in a room. */
export interface MembersView {
  /** How many are in the room, those without an id included. */
  readonly count: number;
  /** The members with an id; null until they are known. */
  readonly members: readonly Member[] | null;
  /** Whether there are more of them. */
  readonly more: boolean;
  /** The caller, as others see it in the room; null before the room is joined. */
  readonly self: Member | null;
}

/** How long a room that nobody watches any more stays joined, in milliseconds. */
const lingerTime = 1_000;

/**
 * A room. It is joined while anything subscribes to one of its stores or events, and
 * continues where it was when that begins again.
 */
export class Room implements Store<SessionState> {
  /** The room's name. */
  readonly name: string;
  /** The messages and custom events, as they are now, and what is on its way. */
  readonly timeline: Store<TimelineView>;
  /** Who is in the room. They are listed while anything subscribes to this. */
  readonly members: Store<MembersView>;
  /** Which other members are writing. */
  readonly typists: Store<readonly Member[]>;
  /** How many messages of others came since the room was last marked as read. */
  readonly unread: Store<number>;
  readonly #context: RoomContext;
  readonly #subscribers = new Subscribers();
  readonly #handlers = new Set<(event: Event) => void>();
  readonly #timers = new Timers<Timer>((timer) => this.#dispatch({ type: "timer", timer }));
  readonly #effects: RoomEffects;
  readonly #inputs: Input[] = [];
  #state: SessionState;
  #watchers = 0;
  #memberWatchers = 0;
  #linger: ReturnType<typeof setTimeout> | null = null;
  #isWanted = false;
  /** The last one of the list of rooms. */
  #count: MessageCount | null = null;

  constructor(name: string, context: RoomContext) {
    this.name = name;
    this.#context = context;
    this.#state = initialState(name, context.shared().auth);
    this.#effects = new RoomEffects({
      room: name,
      service: context.service,
      timers: this.#timers,
      token: () => this.#token,
      watch: context.watch,
      dispatch: (input) => this.#dispatch(input),
      onEvent: (event) => {
        for (const handler of [...this.#handlers]) callBack(() => handler(event));
      },
    });
    this.timeline = derived(
      this,
      (s) => [s.timeline, s.outbox, s.feed.caughtUpOnce, s.history, s.quotes, s.auth.memberIds],
      timelineView,
    );
    const members = derived(
      this,
      ({ presence: p }) => [p.count, p.members, p.more, p.self],
      ({ presence: { count, members: all, more, self } }): MembersView => ({ count, members: all, more, self }),
    );
    this.members = { getSnapshot: members.getSnapshot, subscribe: (onChange) => this.#watchMembers(members, onChange) };
    this.typists = derived(
      this,
      (s) => [s.typing.others],
      (s) => s.typing.others.map((other) => other.member),
    );
    this.unread = derived(
      this,
      (s) => [s.unread],
      (s) => s.unread,
    );
  }

  /** The whole state of the room. */
  readonly getSnapshot = (): SessionState => this.#state;

  /** Calls back after each change of the room's state. The room is joined while there are such subscribers. */
  readonly subscribe = (onChange: () => void): (() => void) => {
    const remove = this.#subscribers.add(onChange);
    const leave = this.join();
    return () => {
      remove();
      leave();
    };
  };

  /** Joins the room, for as long as the function that it returns is not called. */
  join(): () => void {
    this.#watchers++;
    if (this.#linger) clearTimeout(this.#linger);
    this.#linger = null;
    this.#want(true);
    let isJoined = true;
    return () => {
      if (isJoined && --this.#watchers === 0) this.#linger = setTimeout(() => this.#want(false), lingerTime);
      isJoined = false;
    };
  }

  /**
   * Calls back for each event of the room from now on, in order. Events from before the room
   * was first joined are in the timeline only.
   */
  onEvent(handler: (event: Event) => void): () => void {
    const own = (event: Event) => handler(event);
    this.#handlers.add(own);
    const leave = this.join();
    return () => {
      this.#handlers.delete(own);
      leave();
    };
  }

  /**
   * Calls back for each custom event of a type from now on, in order. Events whose value is
   * no message of that type by this schema, which may differ from the server's, are skipped.
   */
  on<Desc extends DescMessage>(schema: Desc, handler: (message: MessageShape<Desc>, event: Event) => void): () => void {
    return this.onEvent((event) => {
      const message = decodedCustom(schema, event.body);
      if (message) handler(message, event);
    });
  }

  /** Sends a message. It returns the id of the message in the outbox, at once, whether there is a connection or not. */
  send(text: string, { replyTo = 0n }: { readonly replyTo?: bigint } = {}): string {
    const normal = normalizeText(text);
    if (!isValidText(normal))
      throw new ChatError({ code: "invalid_argument", message: "The text is empty or too long." });
    return this.sendBody({ kind: "message", text: normal, replyTo });
  }

  /** Answers a message. */
  reply(target: bigint, text: string): string {
    return this.send(text, { replyTo: target });
  }

  /** Gives a message of the caller another text. */
  edit(target: bigint, text: string): string {
    return this.sendBody({ kind: "edit", target, text: normalizeText(text) });
  }

  /** Deletes a message for everyone. A moderator may give a reason, which is kept for other moderators. */
  delete(target: bigint, { reason = "" }: { readonly reason?: string } = {}): string {
    return this.sendBody({ kind: "deletion", target, ...(reason && { reason }) });
  }

  /** Adds or removes the caller's reaction to a message. */
  react(target: bigint, emoji: string, { removed = false }: { readonly removed?: boolean } = {}): string {
    return this.sendBody({ kind: "reaction", target, emoji, removed });
  }

  /** Sends an event of an application's own kind. It is stored, as messages are. */
  sendCustom<Desc extends DescMessage>(schema: Desc, message: MessageInitShape<Desc>): string {
    return this.sendBody(customBody(schema, message));
  }

  /**
   * Sends an event of an application's own kind that is not stored. Of those with the
   * same key, others need only the newest. It rejects with a ChatError.
   */
  async publish<Desc extends DescMessage>(
    schema: Desc,
    message: MessageInitShape<Desc>,
    { key = "" }: { readonly key?: string } = {},
  ): Promise<void> {
    const { service, watch } = this.#context;
    const { type, value } = customBody(schema, message);
    await watch(service.sendCustom(this.#token, this.name, newId(), type, value, key));
  }

  /** Sends what the contract calls a body, as it is. */
  sendBody(body: SendBody): string {
    if (body.kind === "message") this.#dispatch({ type: "draftSent" });
    const id = newId();
    this.#context.send({ id, room: this.name, body });
    return id;
  }

  /** Sends a failed message again. A reply to a message that was deleted is sent as a plain message. */
  retry(id: string): void {
    const { outbox, quotes, timeline } = this.#state;
    const body = entryOf(outbox, id)?.body;
    if (!body) return;
    const isOrphan = body.kind === "message" && quoteOf(quotes, timeline, body.replyTo) === "deleted";
    this.#context.retry(id, isOrphan ? { ...body, replyTo: 0n } : body);
  }

  /** Gives up a failed message. */
  discard(id: string): void {
    this.#context.discard(id);
  }

  /** The user is writing, or has emptied the draft. The others are told as often as is useful. */
  typing(isWriting = true): void {
    this.#dispatch({ type: "draftChanged", empty: !isWriting });
  }

  /**
   * Reads a page of older messages, unless one is being read. The timeline keeps 2,000
   * messages: far newer ones are dropped, and loadNewer reads them again.
   */
  loadOlder(): void {
    this.#dispatch({ type: "loadEarlier" });
  }

  /** Reads a page of newer messages if the timeline does not end with the log, unless a page is being read. */
  loadNewer(): void {
    this.#dispatch({ type: "loadLater" });
  }

  /** Makes the timeline end with the log again. */
  loadNewest(): void {
    this.#dispatch({ type: "loadNewest" });
  }

  /**
   * Reads the messages around the one with a sequence, unless the timeline has it, and makes
   * it the target. If it is none, the nearest one is the target, or it is marked as absent.
   */
  goTo(sequence: bigint, { nearest = false }: { readonly nearest?: boolean } = {}): void {
    this.#dispatch({ type: "goTo", sequence, nearest });
  }

  /** The target is on screen. */
  targetReached(): void {
    this.#dispatch({ type: "targetReached" });
  }

  /** What of the timeline is on screen: unread messages are counted while its end is not. */
  viewport(visible: boolean, atEnd: boolean): void {
    this.#dispatch({ type: "viewportChanged", visible, atEnd });
  }

  /** Everything up to now was read, in this browser. */
  markRead(): void {
    const { cursor } = this.#state;
    if (cursor) this.#context.read(this.name, cursor);
    this.#dispatch({ type: "read" });
  }

  /** Lists the members in the room who have an id, up to limit. It rejects with a ChatError. */
  async listMembers(limit = 1_000): Promise<readonly Member[]> {
    const { service, watch } = this.#context;
    const all: Member[] = [];
    let next: string | undefined;
    do {
      const size = Math.min(limit - all.length, 1_000);
      const page = await watch(service.listMembers(this.#token, this.name, next, size));
      all.push(...page.members);
      next = page.nextToken;
    } while (next && all.length < limit);
    return all.slice(0, limit);
  }

  /**
   * Returns the sequence of the first event at a time or later, null if there is none. It takes a call
   * for each halving of the log, 20 for a million events. It rejects with a ChatError.
   */
  async findTime(time: number): Promise<bigint | null> {
    const { service, watch } = this.#context;
    const { cursor } = this.#state;
    const read = (after: Cursor) => watch(service.listEvents(this.#token, this.name, { after }, 1));
    return cursor && findTime(time, cursor, async (after) => (await read(after)).events[0]);
  }

  /** Sets the display name and the topic. It rejects with a ChatError. */
  async setProfile(profile: RoomProfile): Promise<void> {
    const { service, watch } = this.#context;
    await watch(service.setProfile(this.#token, this.name, profile));
  }

  /** The room that the tab wants, and where it stands. */
  get cursor(): Cursor | null {
    return this.#state.cursor;
  }

  /** What all tabs share has changed. */
  takeShared({ auth, connection, entries }: Shared): void {
    this.#dispatch({
      type: "shared",
      auth,
      connection,
      entries: entries.filter((e) => e.room === this.name && isFrom(auth, e)),
    });
  }

  takeNews(news: RoomNews): void {
    this.#dispatch({ type: "news", news });
  }

  /** The list of rooms has changed. */
  takeCount(count: MessageCount | null): void {
    if (!count || (count.head === this.#count?.head && count.messages === this.#count.messages)) return;
    this.#count = count;
    this.#dispatch({ type: "counted", count });
  }

  close(): void {
    if (this.#linger) clearTimeout(this.#linger);
    this.#timers.stopAll();
  }

  get #token(): string {
    return this.#state.auth.identity?.token ?? "";
  }

  #want(isWanted: boolean): void {
    if (this.#isWanted === isWanted) return;
    this.#isWanted = isWanted;
    if (isWanted) this.#dispatch({ type: "opened", read: this.#context.readCursor(this.name) });
    this.#context.wanted(this, isWanted);
    if (!isWanted) this.#dispatch({ type: "left" });
  }

  #watchMembers(members: Store<MembersView>, onChange: () => void): () => void {
    if (this.#memberWatchers++ === 0) this.#dispatch({ type: "membersShown", shown: true });
    const remove = members.subscribe(onChange);
    return () => {
      remove();
      if (--this.#memberWatchers === 0) this.#dispatch({ type: "membersShown", shown: false });
    };
  }

  /** Takes an input. Effects may dispatch at once; their inputs are taken after this one. */
  #dispatch(input: Input): void {
    if (this.#inputs.push(input) > 1) return;
    const before = this.#state;
    try {
      for (let next = this.#inputs[0]; next; next = this.#inputs[0]) {
        const [state, effects] = step(this.#state, next, { now: clock(), random: Math.random });
        this.#state = state;
        for (const effect of effects) this.#effects.perform(effect);
        this.#inputs.shift();
      }
    } finally {
      this.#inputs.length = 0;
      if (this.#state !== before) this.#subscribers.notify();
    }
  }
}
