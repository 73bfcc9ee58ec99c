import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ListEventsResponseSchema, SetRoomRequestSchema } from "../gen/chat/v1/chat_room_pb";
import { memoryStorage } from "../storage/chat-storage";
import { createChat } from "./chat";

/** Answers the calls of each method; other calls never end. */
function serve(answers: Readonly<Record<string, () => Response>>): Uint8Array[] {
  const bodies: Uint8Array[] = [];
  mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    const answer = answers[url.replace(/.*\//, "")];
    if (!answer) return new Promise<never>(() => {});
    bodies.push(init.body as Uint8Array);
    return answer();
  });
  return bodies;
}

const proto = (body: Uint8Array) =>
  new Response(body as BodyInit, { headers: { "content-type": "application/proto" } });
const page = (sequence: bigint) => () => {
  const schema = ListEventsResponseSchema;
  return proto(toBinary(schema, create(schema, { epoch: "e", next: { epoch: "e", sequence } })));
};
const notFound = () => Response.json({ code: "not_found", message: "there is no room" }, { status: 404 });

afterEach(() => mock.restoreAll());

test("a room is created with its profile, and one that there is stays as it is", async (t) => {
  const chat = createChat({ baseUrl: "http://chat.test" });
  t.after(() => chat.close());
  const bodies = serve({ ListEvents: notFound, SetRoom: () => proto(new Uint8Array()) });
  const room = await chat.createRoom("Tea", { displayName: "Tea time", topic: "Earl Grey" });
  assert.equal(room.name, "tea");
  const { room: name, displayName, topic } = fromBinary(SetRoomRequestSchema, bodies[1]!);
  assert.deepEqual([name, displayName, topic], ["tea", "Tea time", "Earl Grey"]);
  mock.restoreAll();
  const calls = serve({ ListEvents: page(3n), SetRoom: () => assert.fail("the room was changed") });
  await assert.rejects(chat.createRoom("tea", { displayName: "", topic: "" }), { code: "already_exists" });
  assert.equal(calls.length, 1);
});

test("a room is marked as read without joining it, and forgotten when it is left", async (t) => {
  const storage = memoryStorage();
  const chat = createChat({ baseUrl: "http://chat.test", storage });
  t.after(() => chat.close());
  serve({ ListEvents: page(7n) });
  await chat.markRead("tea");
  assert.deepEqual([...storage.loadReadCursors()], [["tea", { epoch: "e", sequence: 7n }]]);
  chat.leave("tea");
  assert.equal(storage.loadReadCursors().size, 0);
});
