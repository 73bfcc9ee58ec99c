// Answers the calls of a service in tests, and keeps what was sent.

import { afterEach, mock } from "node:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Failure } from "../failure";
import { SubscribeResponseSchema } from "../gen/chat/v1/chat_room_pb";
import type { FrameSchema } from "../gen/chat/v1/frame_pb";
import type { Frame, Start } from "../model";
import { createChatService } from "../transport/chat-service";

interface Call {
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export const calls: Call[] = [];

/** Answers every call with a body. */
export function answer(type: string, body: Uint8Array, status = 200): void {
  mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    calls.push({ url, headers: new Headers(init.headers), body: init.body as Uint8Array });
    return new Response(body as BodyInit, { status, headers: { "content-type": type } });
  });
}

export function envelope(flags: number, data: Uint8Array): Uint8Array {
  const header = new Uint8Array(5);
  header[0] = flags;
  new DataView(header.buffer).setUint32(1, data.length);
  return Buffer.concat([header, data]);
}

/** The frames and the end that a listener receives. */
export async function stream(
  frames: MessageInitShape<typeof FrameSchema>[],
  end = "{}",
  token = "t",
  start: Start = { recent: 3 },
): Promise<{ frames: Frame[]; end: Failure }> {
  const body = frames.map((frame) =>
    envelope(0, toBinary(SubscribeResponseSchema, create(SubscribeResponseSchema, { frame }))),
  );
  answer("application/connect+proto", Buffer.concat([...body, envelope(2, Buffer.from(end))]));
  const told: Frame[] = [];
  return new Promise((resolve) => {
    const rooms = [{ room: "lobby", start }];
    createChatService("http://server").openStream(
      { token, rooms, watchRooms: true },
      {
        frame: (frame) => told.push(frame),
        ended: (reason) => resolve({ frames: told, end: reason }),
      },
    );
  });
}

afterEach(() => {
  mock.restoreAll();
  calls.length = 0;
});
