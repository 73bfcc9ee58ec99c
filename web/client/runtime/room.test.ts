import assert from "node:assert/strict";
import { test } from "node:test";
import { type StringValue, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { initialAuth } from "../hub/auth";
import { disconnected } from "../hub/connection";
import type { Body, JoinedRoom } from "../model";
import { ada, event, joined } from "../testing/session-harness";
import { Room, type RoomContext } from "./room";

/** A room that was joined when its log ended at a sequence. What it asks for is not answered. */
function joinedRoom(
  head: number,
  listEvents: RoomContext["service"]["listEvents"] = () => new Promise<never>(() => {}),
): { readonly room: Room; readonly sent: string[] } {
  const sent: string[] = [];
  const never = () => new Promise<never>(() => {});
  const context: RoomContext = {
    service: {
      send: never,
      sendTyping: never,
      listEvents,
      listMembers: never,
      setProfile: never,
      sendCustom: never,
    },
    shared: () => ({ auth: initialAuth(ada), connection: { ...disconnected, phase: "live" }, entries: [] }),
    watch: (call) => call,
    wanted: () => {},
    send: ({ body }) => void sent.push(body.kind === "message" ? body.text : body.kind),
    retry: () => {},
    discard: () => {},
    read: () => {},
    readCursor: () => null,
  };
  const room = new Room("lobby", context);
  room.takeShared(context.shared());
  room.takeNews({ type: "joined", to: null, state: joined(head).rooms[0] as JoinedRoom, after: null, caughtUp: false });
  return { room, sent };
}

const customBody = (value: Uint8Array): Body => ({
  kind: "custom",
  type: StringValueSchema.typeName,
  value,
});

test("handlers get the events from after the room was joined, and the timeline has all", () => {
  const { room } = joinedRoom(2);
  const seen: bigint[] = [];
  room.onEvent(({ sequence }) => seen.push(sequence));
  for (const sequence of [1, 2, 3, 4]) room.takeNews({ type: "event", event: event(sequence) });
  assert.deepEqual(seen, [3n, 4n]);
  assert.equal(room.timeline.getSnapshot().items.length, 4);
});

test("a room that was left and joined again hands over what came meanwhile", () => {
  const { room } = joinedRoom(2);
  const seen: bigint[] = [];
  room.onEvent(({ sequence }) => seen.push(sequence));
  for (const sequence of [1, 2]) room.takeNews({ type: "event", event: event(sequence) });
  const state = joined(4).rooms[0] as JoinedRoom;
  room.takeNews({ type: "joined", to: null, state, after: room.cursor, caughtUp: false });
  for (const sequence of [3, 4]) room.takeNews({ type: "event", event: event(sequence) });
  assert.deepEqual(seen, [3n, 4n]);
});

test("a handler or subscriber that throws takes nothing from the others", (t) => {
  const reported: unknown[] = [];
  const before = globalThis.reportError;
  globalThis.reportError = (reason) => void reported.push(reason);
  t.after(() => {
    globalThis.reportError = before;
  });
  const { room, sent } = joinedRoom(0);
  const seen: bigint[] = [];
  room.onEvent(({ sequence }) => {
    room.send(`answer to ${sequence}`);
    throw new Error(`handler, ${sequence}`);
  });
  room.onEvent(({ sequence }) => seen.push(sequence));
  room.subscribe(() => {
    throw new Error("subscriber");
  });
  room.takeNews({ type: "event", event: event(1) });
  room.takeNews({ type: "event", event: event(2) });
  assert.deepEqual(seen, [1n, 2n]);
  assert.deepEqual(sent, ["answer to 1", "answer to 2"]);
  const messages = new Set(reported.map((r) => (r as Error).message));
  assert.deepEqual(messages, new Set(["handler, 1", "handler, 2", "subscriber"]));
});

test("a custom event whose value is no message of its type is skipped", () => {
  const { room } = joinedRoom(0);
  const seen: string[] = [];
  room.on(StringValueSchema, (message: StringValue) => seen.push(message.value));
  const truncated = new Uint8Array([0x0a, 0x05, 0x61]);
  const valid = new Uint8Array([0x0a, 0x01, 0x61]);
  room.takeNews({ type: "event", event: event(1, { body: customBody(truncated) }) });
  room.takeNews({ type: "event", event: event(2, { body: customBody(valid) }) });
  assert.deepEqual(seen, ["a"]);
});
