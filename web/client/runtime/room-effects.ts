import { type Failure, failureOf } from "../failure";
import type { Event } from "../model";
import type { Input } from "../session/input";
import type { Effect, Timer } from "../state/effect";
import { type ChatService, largePageSize, pageSize } from "../transport/chat-service";
import { newId } from "./clock";
import type { Timers } from "./timers";

interface Options {
  readonly room: string;
  readonly service: Pick<ChatService, "listEvents" | "listMembers" | "sendTyping">;
  readonly timers: Timers<Timer>;
  readonly token: () => string;
  /** Watches a call for its answer. */
  readonly watch: <T>(call: Promise<T>) => Promise<T>;
  readonly dispatch: (input: Input) => void;
  readonly onEvent: (event: Event) => void;
}

/** Carries out what the session of a room asks for, and gives it the answers. */
export class RoomEffects {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  perform(effect: Effect): void {
    const { room, service, timers, token, watch, onEvent } = this.#options;
    switch (effect.type) {
      case "catchUp": {
        const { serial, position } = effect;
        return this.#answer(
          service.listEvents(token(), room, position, position ? largePageSize : pageSize),
          (page) => ({ type: "caughtUpTo", serial, page }),
          (failure) => ({ type: "catchUpFailed", serial, failure }),
        );
      }
      case "listEvents": {
        const { serial, position } = effect;
        return this.#answer(
          service.listEvents(token(), room, position, pageSize),
          (page) => ({ type: "pageLoaded", serial, page }),
          (failure) => ({ type: "pageFailed", serial, failure }),
        );
      }
      case "loadQuote": {
        const { serial, before } = effect;
        return this.#answer(
          service.listEvents(token(), room, { before }, 1),
          (page) => ({ type: "quoteLoaded", serial, page }),
          () => ({ type: "quoteLoaded", serial, page: null }),
        );
      }
      case "listMembers": {
        const { serial } = effect;
        return this.#answer(
          service.listMembers(token(), room),
          (page) => ({ type: "membersListed", serial, page }),
          () => ({ type: "membersListed", serial, page: null }),
        );
      }
      case "sendTyping":
        watch(service.sendTyping(token(), room, newId(), effect.stopped)).catch(() => {}); // the next one is enough
        return;
      case "startTimer":
        return timers.start(effect.timer, effect.after);
      case "event":
        return onEvent(effect.event);
    }
  }

  #answer<T>(call: Promise<T>, onResult: (value: T) => Input, onFailure: (failure: Failure) => Input): void {
    const { watch, dispatch } = this.#options;
    watch(call).then(
      (value) => dispatch(onResult(value)),
      (reason: unknown) => dispatch(onFailure(failureOf(reason))),
    );
  }
}
