import {
  type Cursor,
  canShareStreams,
  type Effect,
  type Failure,
  failureOf,
  type Identity,
  type Input,
  initialState,
  largePageSize,
  type OutboxEntry,
  pageSize,
  type Receipt,
  type RoomDirectory,
  type RoomService,
  restoreEntries,
  type SendBody,
  type SessionState,
  SharedStream,
  step,
  type Timer,
} from "../client";

/** What a session is given. */
export interface RoomSessionOptions {
  readonly service: RoomService;
  readonly directory: Pick<RoomDirectory, "refresh" | "apply">;
  readonly storage: {
    readonly loadIdentity: () => Identity | null;
    readonly storeIdentity: (identity: Identity) => void;
    readonly forgetIdentity: () => void;
    readonly loadOutbox: (room: string) => OutboxEntry[];
    readonly storeOutbox: (room: string, entries: readonly OutboxEntry[]) => void;
  };
  readonly newId: () => string;
  /** Called after the state was replaced. */
  readonly onChange: () => void;
  /** Called when the room was read up to a cursor. */
  readonly onRead: (cursor: Cursor) => void;
}

/** Runs the session of one room: carries out its effects, and returns their results to it. */
export class RoomSession {
  state: SessionState;
  readonly #room: string;
  readonly #options: RoomSessionOptions;
  readonly #streams: Pick<SharedStream, "open" | "close">;
  readonly #timers = new Map<Timer, number>();
  /** Inputs that are being taken. */
  readonly #inputs: Input[] = [];
  #closeStream = () => {};
  #closed = false;

  constructor(room: string, options: RoomSessionOptions) {
    const { service, storage } = options;
    this.#room = room;
    this.#options = options;
    const outbox = restoreEntries(storage.loadOutbox(room), Date.now());
    this.state = initialState(room, { identity: storage.loadIdentity(), outbox });
    this.#streams = canShareStreams()
      ? new SharedStream(
          room,
          { ...service, wake: () => this.dispatch({ type: "woke" }) },
          {
            locks: navigator.locks,
            channel: (name) => new BroadcastChannel(name),
            visible: () => !document.hidden,
          },
        )
      : { open: service.openStream, close: () => {} };
  }

  /** Takes an input. Effects may dispatch at once; their inputs are taken after this one. */
  readonly dispatch = (input: Input): void => {
    if (this.#closed || this.#inputs.push(input) > 1) return;
    try {
      for (let next = this.#inputs[0]; next; next = this.#inputs[0]) {
        this.#take(next);
        this.#inputs.shift();
      }
    } finally {
      this.#inputs.length = 0;
      this.#options.onChange();
    }
  };

  /** Ends the session. Sends in flight are still completed. */
  close(): void {
    this.#closed = true;
    this.#closeStream();
    this.#streams.close();
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #take(input: Input): void {
    const { entries } = this.state.outbox;
    const [state, effects] = step(this.state, input, { now: Date.now(), random: Math.random });
    this.state = state;
    if (state.outbox.entries !== entries) this.#options.storage.storeOutbox(this.#room, state.outbox.entries);
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: Effect): void {
    const { service, directory, storage, newId } = this.#options;
    switch (effect.type) {
      case "openStream": {
        const { stream, token, start } = effect;
        this.#closeStream = this.#streams.open(token, start, {
          frame: (frame) => this.dispatch({ type: "frame", stream, frame }),
          ended: (end) => this.dispatch({ type: "ended", stream, end }),
        });
        return;
      }
      case "closeStream":
        return this.#closeStream();
      case "send": {
        const { id, token, body } = effect;
        return this.#answer(
          this.#send(token, id, body),
          (receipt) => ({ type: "sent", id, receipt }),
          (failure) => ({ type: "sendFailed", id, token, failure }),
        );
      }
      case "signIn": {
        const { serial, token, name } = effect;
        return this.#answer(
          service.signIn(token, name),
          (identity) => ({ type: "signedIn", serial, identity }),
          (failure) => ({ type: "signInFailed", serial, failure }),
        );
      }
      case "signOut":
        storage.forgetIdentity();
        service.signOut(effect.token).catch(() => {}); // the token is forgotten, and expires
        return;
      case "listEvents": {
        const { serial, token, position, large } = effect;
        return this.#answer(
          service.listEvents(token, position, large ? largePageSize : pageSize),
          (page) => ({ type: "pageLoaded", serial, page }),
          (failure) => ({ type: "pageFailed", serial, failure }),
        );
      }
      case "loadQuote": {
        const { serial, token, before } = effect;
        return this.#answer(
          service.listEvents(token, { before }, 1),
          (page) => ({ type: "quoteLoaded", serial, page }),
          () => ({ type: "quoteLoaded", serial, page: null }),
        );
      }
      case "listMembers": {
        const { serial, token } = effect;
        return this.#answer(
          service.listMembers(token),
          (page) => ({ type: "membersListed", serial, page }),
          () => ({ type: "membersListed", serial, page: null }),
        );
      }
      case "sendTyping":
        service.sendTyping(effect.token, newId(), effect.stopped).catch(() => {}); // the next one is enough
        return;
      case "startTimer": {
        const { timer, after } = effect;
        clearTimeout(this.#timers.get(timer));
        this.#timers.set(
          timer,
          window.setTimeout(() => this.dispatch({ type: "timer", timer }), after),
        );
        return;
      }
      case "stopTimer":
        return clearTimeout(this.#timers.get(effect.timer));
      case "listRooms":
        void directory.refresh();
        return;
      case "roomsChanged":
        return directory.apply(effect.change);
      case "storeIdentity":
        return storage.storeIdentity(effect.identity);
    }
  }

  #answer<T>(call: Promise<T>, onResult: (value: T) => Input, onFailure: (failure: Failure) => Input): void {
    call.then(
      (value) => this.dispatch(onResult(value)),
      (reason: unknown) => this.dispatch(onFailure(failureOf(reason))),
    );
  }

  /** A member who writes has read the room, even if the session is closed before the answer. */
  async #send(token: string, id: string, body: SendBody): Promise<Receipt> {
    const receipt = await this.#options.service.send(token, id, body);
    if (body.kind === "message") this.#options.onRead(receipt);
    return receipt;
  }
}
