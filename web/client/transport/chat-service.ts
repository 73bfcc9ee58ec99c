// The calls to the service, with the plain values of model.ts. They reject with a
// ChatError.

import { Code, ConnectError } from "@connectrpc/connect";
import type { Failure } from "../failure";
import { ChatRoom, RoomOrder } from "../gen/chat/v1/chat_room_pb";
import type {
  EventsPage,
  Frame,
  Identity,
  MembersPage,
  PagePosition,
  Receipt,
  RoomProfile,
  RoomsPage,
  SendBody,
  Subscription,
} from "../model";
import type { RoomsQuery } from "../rooms/room-directory";
import { createCalls } from "./calls";
import {
  fromFrame,
  fromListEvents,
  fromListMembers,
  fromListRooms,
  toBody,
  toCustom,
  toFailure,
  toMilliseconds,
  toPosition,
  toSubscriptions,
} from "./convert";

/** How long the answer that shows that the server is there may take, in milliseconds. */
const probeTimeout = 5_000;
/** The number of events in a page. */
export const pageSize = 50;
/** The number of events in each page on the way to an old message. */
export const largePageSize = 500;

/** Receives a stream. Nothing comes after ended. */
export interface StreamListener {
  frame(frame: Frame): void;
  ended(end: Failure): void;
}

/** What is asked of a stream. */
export interface StreamRequest {
  readonly token: string;
  readonly rooms: readonly Subscription[];
  /** Whether the stream also reports changes to the list of rooms. */
  readonly watchRooms: boolean;
}

export type ChatService = ReturnType<typeof createChatService>;

/** Returns the calls to a service. They reject with a ChatError, also when the signal ends them. */
export function createChatService(baseUrl: string, ended?: AbortSignal) {
  const { call, stream } = createCalls(baseUrl, ended);
  return {
    /** Opens a stream. The function that it returns closes it: the listener is not called any more. */
    openStream({ token, rooms, watchRooms }: StreamRequest, listener: StreamListener): () => void {
      const aborter = new AbortController();
      const { signal } = aborter;
      const read = async () => {
        const request = { rooms: toSubscriptions(rooms), watchRooms };
        for await (const { frame } of await stream(ChatRoom.method.subscribe, request, token, signal)) {
          if (signal.aborted) return;
          if (frame) listener.frame(fromFrame(frame));
        }
        throw new ConnectError("the stream has ended", Code.Unavailable);
      };
      read().catch((reason: unknown) => {
        if (!signal.aborted) listener.ended(toFailure(reason));
      });
      return () => aborter.abort();
    },

    async send(token: string, room: string, id: string, body: SendBody): Promise<Receipt> {
      const { epoch, sequence, time } = await call(ChatRoom.method.send, { room, id, body: toBody(body) }, token);
      return { epoch, sequence, time: toMilliseconds(time) };
    },

    async sendTyping(token: string, room: string, id: string, stopped: boolean): Promise<void> {
      await call(ChatRoom.method.send, { room, id, body: toBody({ kind: "typing", stopped }) }, token);
    },

    /** Sends an event of an application's own kind that is not stored. */
    async sendCustom(
      token: string,
      room: string,
      id: string,
      type: string,
      value: Uint8Array,
      key: string,
    ): Promise<void> {
      await call(ChatRoom.method.send, { room, id, body: toCustom(type, value, true, key) }, token);
    },

    async listEvents(token: string, room: string, position: PagePosition, limit = pageSize): Promise<EventsPage> {
      const request = { room, page: toPosition(position), limit };
      return fromListEvents(await call(ChatRoom.method.listEvents, request, token));
    },

    async listMembers(token: string, room: string, pageToken = "", size = 0): Promise<MembersPage> {
      return fromListMembers(await call(ChatRoom.method.listMembers, { room, pageToken, pageSize: size }, token));
    },

    /** Lists rooms by activity, with unread counts for those that were read. */
    async listRooms(token: string, { page, size, readCursors }: RoomsQuery): Promise<RoomsPage> {
      const seen = [...readCursors].map(([room, cursor]) => ({ room, cursor }));
      const request = { pageToken: page, pageSize: size, order: RoomOrder.ACTIVITY, seen };
      return fromListRooms(await call(ChatRoom.method.listRooms, request, token));
    },

    async setProfile(token: string, room: string, { displayName, topic }: RoomProfile): Promise<void> {
      await call(ChatRoom.method.setRoom, { room, displayName, topic }, token);
    },

    /** Signs a guest in. A token that is not empty is renewed: the member stays the same. */
    async signIn(token: string, name: string): Promise<Identity> {
      const answer = await call(ChatRoom.method.signIn, { name }, token);
      const member = { id: answer.member?.id ?? "", name: answer.member?.name ?? name };
      return { token: answer.token, member, expires: toMilliseconds(answer.expireTime) };
    },

    /** Ends the validity of a token. */
    async signOut(token: string): Promise<void> {
      await call(ChatRoom.method.signOut, {}, token);
    },

    /** Continues a stream with another token. */
    async renewStream(token: string, streamId: string): Promise<void> {
      await call(ChatRoom.method.renewStream, { streamId }, token);
    },

    /** Asks for next to nothing: the answer shows that the server answers. */
    async probe(token: string, room: string): Promise<void> {
      await call(ChatRoom.method.listMembers, { room, pageSize: 1 }, token, probeTimeout);
    },
  };
}
