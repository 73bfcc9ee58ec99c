import { failureOf } from "../failure";
import type { Effect, News, Timer } from "../hub/effect";
import { hubStep } from "../hub/hub";
import { type HubState, initialHub } from "../hub/hub-state";
import type { HubInput } from "../hub/input";
import { retryWindow, unread } from "../hub/outbox";
import type { Identity } from "../model";
import type { ChatStorage } from "../storage/chat-storage";
import type { ChatService } from "../transport/chat-service";
import { CallMonitor } from "./call-monitor";
import { clock } from "./clock";
import { Timers } from "./timers";

/** Returns a token, or null for a caller without one. It is called again when a token expires or is refused. */
export type GetToken = () => Promise<string | null> | string | null;

export interface HubOptions {
  readonly service: Pick<ChatService, "openStream" | "send" | "signIn" | "signOut" | "renewStream" | "probe">;
  readonly storage: Pick<
    ChatStorage,
    "loadIdentity" | "storeIdentity" | "forgetIdentity" | "loadOutbox" | "storeEntry" | "removeEntries"
  >;
  /** Undefined for guests, who sign in with a name. */
  readonly getToken: GetToken | undefined;
  /** The name that a guest without an identity signs in with; empty for none. */
  readonly guestName: string;
  readonly watchRooms: boolean;
}

export interface HubListener {
  news(news: News): void;
  /** Called after each input. */
  changed(state: HubState): void;
}

/** Runs the hub: carries out its effects, and returns their results to it. */
export class HubRunner {
  state: HubState;
  readonly #options: HubOptions;
  readonly #listener: HubListener;
  readonly #timers = new Timers<Timer>((timer) => this.dispatch({ type: "timer", timer }));
  readonly #calls = new CallMonitor((type) => this.dispatch({ type }));
  /** Inputs that are being taken. */
  readonly #inputs: HubInput[] = [];
  /** When the last input came. */
  #activeAt = clock();
  #loading = Promise.resolve();
  #closeStream = () => {};
  #closed = false;

  constructor(options: HubOptions, listener: HubListener) {
    this.#options = options;
    this.#listener = listener;
    const provided = options.getToken !== undefined;
    this.state = initialHub(provided ? null : options.storage.loadIdentity(), provided, options.guestName);
    this.#loadOutbox();
  }

  /** Takes an input. Effects may dispatch at once; their inputs are taken after this one. */
  dispatch(input: HubInput): void {
    if (this.#closed) return;
    if (!this.state.outbox.loaded && ("id" in input || input.type === "signOut")) {
      void this.#loading.then(() => this.dispatch(input)); // what it is about is not known yet
      return;
    }
    const now = clock();
    if (now - this.#activeAt >= retryWindow) {
      // The tab was frozen, perhaps, and what it has not sent was sent by another one.
      this.state = { ...this.state, outbox: unread };
      this.#loadOutbox();
    }
    this.#activeAt = now;
    if (this.#inputs.push(input) > 1) return;
    try {
      for (let next = this.#inputs[0]; next; next = this.#inputs[0]) {
        const env = { now: clock(), date: Date.now(), random: Math.random };
        const [state, effects] = hubStep(this.state, next, env);
        this.state = state;
        for (const effect of effects) this.#perform(effect);
        this.#listener.changed(state);
        this.#inputs.shift();
      }
    } finally {
      this.#inputs.length = 0;
    }
  }

  /** Runs what is due: the timers of a hidden page are late. */
  catchUp(): void {
    this.#timers.runDue();
  }

  /** Opens a stream with the rooms that are wanted by now, without waiting for those of other tabs. */
  subscribeNow(): void {
    this.#timers.runNow("resubscribe");
  }

  /** Resolves when what was not sent is stored. */
  async stored(): Promise<void> {
    await this.#options.storage.loadOutbox().catch(() => {}); // it is read after what waits was written
  }

  /** Ends the stream. Sends in flight are still completed by the server. */
  close(): void {
    this.#closed = true;
    this.#closeStream();
    this.#timers.stopAll();
  }

  #perform(effect: Effect): void {
    const { service, storage } = this.#options;
    switch (effect.type) {
      case "openStream":
        return this.#openStream(effect);
      case "closeStream":
        return this.#closeStream();
      case "send": {
        const { room, id, token, body } = effect;
        return this.#answer(
          service.send(token, room, id, body),
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
      case "fetchToken": {
        const { serial } = effect;
        return this.#answer(
          this.#fetchToken(),
          (identity) => ({ type: "signedIn", serial, identity }),
          (failure) => ({ type: "signInFailed", serial, failure }),
        );
      }
      case "signOut":
        storage.forgetIdentity();
        service.signOut(effect.token).catch(() => {}); // the token is forgotten, and expires
        return;
      case "renewStream": {
        const { stream, streamId, token } = effect;
        service.renewStream(token, streamId).catch(() => this.dispatch({ type: "renewFailed", stream }));
        return;
      }
      case "probe": {
        const { serial, room } = effect;
        this.#calls.watch(service.probe(this.state.auth.identity?.token ?? "", room)).then(
          () => this.dispatch({ type: "probeAnswered", serial }),
          (reason: unknown) => {
            const isAnswer = !["unavailable", "deadline_exceeded", "unknown"].includes(failureOf(reason).code);
            this.dispatch({ type: isAnswer ? "probeAnswered" : "probeFailed", serial });
          },
        );
        return;
      }
      case "startTimer":
        return this.#timers.start(effect.timer, effect.after);
      case "stopTimer":
        return this.#timers.stop(effect.timer);
      case "storeIdentity":
        return storage.storeIdentity(effect.identity);
      case "loadOutbox":
        return this.#loadOutbox();
      case "storeEntry":
        return storage.storeEntry(effect.entry);
      case "removeEntries":
        return storage.removeEntries(effect.ids);
      case "publish":
        return this.#listener.news(effect.news);
    }
  }

  #loadOutbox(): void {
    this.#loading = this.#options.storage.loadOutbox().then(
      (entries) => this.dispatch({ type: "restored", entries }),
      () => this.dispatch({ type: "restored", entries: [] }),
    );
  }

  #openStream({ stream, token, rooms }: Extract<Effect, { type: "openStream" }>): void {
    const { service, watchRooms } = this.#options;
    this.#closeStream = service.openStream(
      { token, rooms, watchRooms },
      {
        frame: (frame) => this.dispatch({ type: "frame", stream, frame }),
        ended: (end) => this.dispatch({ type: "ended", stream, end }),
      },
    );
  }

  /** An application that has no token makes an anonymous caller. The stream says which member a token stands for. */
  async #fetchToken(): Promise<Identity> {
    const token = (await this.#options.getToken?.()) ?? "";
    return { token, member: { id: "", name: "" }, expires: 0 };
  }

  #answer<T>(
    call: Promise<T>,
    onResult: (value: T) => HubInput,
    onFailure: (failure: ReturnType<typeof failureOf>) => HubInput,
  ): void {
    this.#calls.watch(call).then(
      (value) => this.dispatch(onResult(value)),
      (reason: unknown) => this.dispatch(onFailure(failureOf(reason))),
    );
  }
}
