// The transport: calls the service, with the plain values of model.ts.

import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type CallOptions } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import type { ListRooms } from "../rooms/room-directory";
import { ChatRoom, RoomOrder, SubscriptionSchema } from "../gen/chat/v1/chat_room_pb";
import type { Crowd, End, Frame, Identity, Page, Place, Presented, Receipt, Speech, Start } from "../model";
import { fromCrowd, fromFrame, fromPage, fromRooms, toBody, toFailure, toMs, toPlace, toStart } from "./convert";

/** How long a call with a single answer may take, in milliseconds. */
const callTimeout = 15_000;
/** How many events a page of history has. */
export const pageSize = 50;
/** How many events a page has that is read on the way to a message. */
export const stride = 500;

/** What a stream tells. Nothing comes after ended. */
export interface Listener {
  frame(frame: Frame): void;
  ended(end: End): void;
}

/** Opens a stream; the function returned closes it, and nothing is told any more. */
export type Open = (token: string, start: Start, listener: Listener) => () => void;

export type Client = ReturnType<typeof newClient>;

/** No default timeout: it would end streams. */
function newCalls(origin: string) {
  return createClient(ChatRoom, createConnectTransport({ baseUrl: origin, useBinaryFormat: true }));
}

/** A client for one room. Its calls fail with a Failure. */
export function newClient(origin: string, room: string) {
  const rpc = newCalls(origin);

  const open: Open = (token, start, listener) => {
    const aborter = new AbortController();
    const read = async () => {
      const subscription = create(SubscriptionSchema, { room, start: toStart(start) });
      const options = { ...authorized(token), signal: aborter.signal };
      for await (const { frame } of rpc.subscribe({ rooms: [subscription], watchRooms: true }, options)) {
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

    async send(token: string, id: string, body: Speech): Promise<Receipt> {
      const answer = await failing(rpc.send({ room, id, body: toBody(body) }, single(token)));
      return { epoch: answer.epoch, sequence: answer.sequence, time: toMs(answer.time) };
    },

    async typing(token: string, id: string, stopped: boolean): Promise<void> {
      await failing(rpc.send({ room, id, body: toBody({ kind: "typing", stopped }) }, single(token)));
    },

    async list(token: string, place: Place, limit = pageSize): Promise<Page> {
      return fromPage(await failing(rpc.listEvents({ room, page: toPlace(place), limit }, single(token))));
    },

    /** The first page of who is here. */
    async members(token: string): Promise<Crowd> {
      return fromCrowd(await failing(rpc.listMembers({ room }, single(token))));
    },

    async present(token: string, { displayName, topic }: Presented): Promise<void> {
      await failing(rpc.setRoom({ room, displayName, topic }, single(token)));
    },

    /** A token that is not empty is renewed: the member stays. */
    async signIn(token: string, name: string): Promise<Identity> {
      const answer = await failing(rpc.signIn({ name }, single(token)));
      const member = { id: answer.member?.id ?? "", name: answer.member?.name ?? name };
      return { token: answer.token, member, expires: toMs(answer.expireTime) };
    },
  };
}

/** Lists the rooms by activity, with what is unread in those that were seen. It fails with a Failure. */
export function newRooms(origin: string): ListRooms {
  const rpc = newCalls(origin);
  return async (token, { page, size, seen }) => {
    const cursors = [...seen].map(([room, cursor]) => ({ room, cursor }));
    const request = { pageToken: page, pageSize: size, order: RoomOrder.ACTIVITY, seen: cursors };
    return fromRooms(await failing(rpc.listRooms(request, single(token))));
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
