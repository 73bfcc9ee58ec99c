// The transport: calls the service and turns what it answers into the plain
// values of model.ts.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs, type Duration, type Timestamp } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, type CallOptions } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { ChatRoom, type ListEventsResponse, SubscriptionSchema } from "./gen/chat/v1/chat_room_pb";
import { type Cursor as WireCursor, CursorSchema, type Event as WireEvent } from "./gen/chat/v1/event_pb";
import type { Frame as WireFrame } from "./gen/chat/v1/frame_pb";
import type { Cursor, End, Event, Failure, Frame, Identity, Page, Receipt, Start } from "./model";

/** How long a call with a single answer may take, in milliseconds. */
const callTimeout = 15_000;
/** What a server that names no heartbeat interval keeps to, in milliseconds. */
const defaultHeartbeat = 15_000;
/** How many events a page of history has. */
export const pageSize = 50;

/** What a stream tells. Nothing comes after ended. */
export interface Listener {
  frame(frame: Frame): void;
  ended(end: End): void;
}

/** Opens a stream; the function returned closes it, and nothing is told any more. */
export type Open = (token: string, start: Start, listener: Listener) => () => void;

/** Which page of history: before or after a cursor, or the newest. */
export type Place = { readonly before: Cursor } | { readonly after: Cursor } | null;

export type Client = ReturnType<typeof newClient>;

/** A client for one room. Its calls fail with a Failure. */
export function newClient(origin: string, room: string) {
  // No default timeout: it would end streams.
  const rpc = createClient(ChatRoom, createConnectTransport({ baseUrl: origin, useBinaryFormat: true }));

  const open: Open = (token, start, listener) => {
    const aborter = new AbortController();
    const read = async () => {
      const subscription = create(SubscriptionSchema, { room, start: toStart(start) });
      const options = { ...authorized(token), signal: aborter.signal };
      for await (const { frame } of rpc.subscribe({ rooms: [subscription] }, options)) {
        if (aborter.signal.aborted) return;
        if (frame) listener.frame(fromFrame(frame, room));
      }
      throw new ConnectError("the stream has ended", Code.Unavailable);
    };
    read().catch((reason: unknown) => {
      if (!aborter.signal.aborted) listener.ended(toFailure(reason));
    });
    return () => aborter.abort();
  };

  return {
    open,

    async send(token: string, id: string, text: string): Promise<Receipt> {
      const body = { case: "message", value: { text } } as const;
      const answer = await failing(rpc.send({ room, id, body }, single(token)));
      return { epoch: answer.epoch, sequence: answer.sequence, time: toMs(answer.time) };
    },

    async list(token: string, place: Place): Promise<Page> {
      return fromPage(await failing(rpc.listEvents({ room, page: toPlace(place), limit: pageSize }, single(token))));
    },

    /** A token that is not empty is renewed: the member stays. */
    async signIn(token: string, name: string): Promise<Identity> {
      const answer = await failing(rpc.signIn({ name }, single(token)));
      const member = { id: answer.member?.id ?? "", name: answer.member?.name ?? name };
      return { token: answer.token, member, expires: toMs(answer.expireTime) };
    },
  };
}

function authorized(token: string): CallOptions {
  return token === "" ? {} : { headers: { Authorization: `Bearer ${token}` } };
}

function single(token: string): CallOptions {
  return { ...authorized(token), timeoutMs: callTimeout };
}

async function failing<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (reason) {
    throw toFailure(reason);
  }
}

/** Names a failure. What never reached the server, fetch reports as a TypeError. */
export function toFailure(reason: unknown): Failure {
  const error = ConnectError.from(reason);
  if (error.cause instanceof TypeError) {
    return { code: "unavailable", message: "The server could not be reached." };
  }
  return { code: codeName(error.code), message: sentence(error.rawMessage) };
}

/** The code's name on the wire: InvalidArgument is "invalid_argument". */
function codeName(code: Code): string {
  return Code[code].replace(/(?!^)[A-Z]/g, "_$&").toLowerCase();
}

/** Shows a server's message as a sentence, without the path of the field in front. */
function sentence(message: string): string {
  const text = message.replace(/^[a-z_]+(\.[a-z_]+)*: /, "").replace(/^must /, "It must ");
  return text === "" ? "The server gave no reason." : text[0]!.toUpperCase() + text.slice(1).replace(/\.?$/, ".");
}

type StartInit = NonNullable<MessageInitShape<typeof SubscriptionSchema>["start"]>;

function toStart(start: Start): StartInit {
  if ("recent" in start) return { case: "recent", value: start.recent };
  return { case: "after", value: create(CursorSchema, start.after) };
}

function toPlace(place: Place) {
  if (place === null) return { case: undefined };
  if ("before" in place) return { case: "before", value: create(CursorSchema, place.before) } as const;
  return { case: "after", value: create(CursorSchema, place.after) } as const;
}

function toMs(time: Timestamp | undefined): number {
  return time ? timestampMs(time) : Date.now();
}

function durationMs(d: Duration | undefined): number {
  return d ? Number(d.seconds) * 1_000 + d.nanos / 1e6 : 0;
}

function fromFrame(frame: WireFrame, room: string): Frame {
  const { kind } = frame;
  switch (kind.case) {
    case "joined": {
      const state = kind.value.rooms.find((r) => r.room === room);
      const heartbeat = durationMs(kind.value.heartbeatInterval) || defaultHeartbeat;
      return { kind: "joined", epoch: state?.epoch ?? "", head: state?.head ?? 0n, heartbeat };
    }
    case "event":
      return { kind: "event", event: fromEvent(kind.value) };
    case "caughtUp":
      return { kind: "caughtUp" };
    case "reset":
      return { kind: "reset", epoch: kind.value.epoch, head: kind.value.head };
    case "draining":
      return { kind: "draining", reconnectAfter: durationMs(kind.value.reconnectAfter) };
    default:
      return { kind: "other" };
  }
}

function fromEvent(e: WireEvent): Event {
  return {
    sequence: e.sequence,
    previous: e.previous,
    time: toMs(e.time),
    id: e.id,
    sender: { id: e.sender?.id ?? "", name: e.sender?.name ?? "" },
    text: e.body.case === "message" ? e.body.value.text : null,
  };
}

function fromPage(page: ListEventsResponse): Page {
  return { epoch: page.epoch, events: page.events.map(fromEvent), more: page.more, next: fromCursor(page.next) };
}

function fromCursor(c: WireCursor | undefined): Cursor {
  return { epoch: c?.epoch ?? "", sequence: c?.sequence ?? 0n };
}
