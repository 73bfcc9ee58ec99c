import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ChatError, type Failure, failureOf, ownReasons } from "../failure";
import {
  ListEventsRequestSchema,
  ListEventsResponseSchema,
  ListRoomsRequestSchema,
  ListRoomsResponseSchema,
  RoomOrder,
  SendRequestSchema,
  SendResponseSchema,
  SignInResponseSchema,
  SubscribeRequestSchema,
} from "../gen/chat/v1/chat_room_pb";
import type { FrameSchema } from "../gen/chat/v1/frame_pb";
import { answer, calls, envelope, stream } from "../testing/recorded-calls";
import { createChatService } from "./chat-service";
import { toFailure } from "./convert";

test("a stream starts at the cursor, has the token, and no timeout", async () => {
  await stream([], "{}", "t", { after: { epoch: "e", sequence: 7n } });
  const [call] = calls;
  assert.equal(call!.url, "http://server/chat.v1.ChatRoom/Subscribe");
  assert.equal(call!.headers.get("authorization"), "Bearer t");
  assert.equal(call!.headers.get("connect-timeout-ms"), null);
  const { rooms, watchRooms } = fromBinary(SubscribeRequestSchema, call!.body.subarray(5));
  assert.equal(watchRooms, true);
  assert.deepEqual(
    rooms.map((r) => [r.room, r.start.case, r.start.case === "after" && r.start.value.sequence]),
    [["lobby", "after", 7n]],
  );
});

test("a stream always ends with a reason", async () => {
  const cases: [string, string][] = [
    ['{"error":{"code":"unauthenticated","message":"sign in again"}}', "unauthenticated"],
    ['{"error":{"code":"unavailable","message":""}}', "unavailable"],
    ["{}", "unavailable"],
  ];
  for (const [end, code] of cases) assert.equal((await stream([], end)).end.code, code, end);
});

test("a closed stream does not call its listener", async () => {
  answer("application/connect+proto", envelope(2, Buffer.from("{}")));
  const close = createChatService("http://server").openStream(
    { token: "", rooms: [{ room: "lobby", start: { recent: 1 } }], watchRooms: false },
    {
      frame: () => assert.fail("a frame"),
      ended: () => assert.fail("an end"),
    },
  );
  close();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(calls[0]?.headers.get("authorization") ?? null, null);
});

test("a send has room, id, text and a timeout", async () => {
  answer(
    "application/proto",
    toBinary(SendResponseSchema, create(SendResponseSchema, { epoch: "e", sequence: 4n, time: { seconds: 1n } })),
  );
  const receipt = await createChatService("http://server").send("t", "lobby", "id-1", {
    kind: "message",
    text: "hi",
    replyTo: 3n,
  });
  assert.deepEqual(receipt, { epoch: "e", sequence: 4n, time: 1_000 });
  const request = fromBinary(SendRequestSchema, calls[0]!.body);
  assert.deepEqual([request.room, request.id, request.body.case], ["lobby", "id-1", "message"]);
  assert.deepEqual(request.body.case === "message" && [request.body.value.text, request.body.value.replyTo], [
    "hi",
    3n,
  ]);
  assert.notEqual(calls[0]!.headers.get("connect-timeout-ms"), null);
});

test("a page is before or after a cursor, or the newest", async () => {
  answer(
    "application/proto",
    toBinary(
      ListEventsResponseSchema,
      create(ListEventsResponseSchema, { epoch: "e", more: true, next: { epoch: "e", sequence: 2n } }),
    ),
  );
  const client = createChatService("http://server");
  const cursor = { epoch: "e", sequence: 3n };
  assert.deepEqual(await client.listEvents("", "lobby", { before: cursor }), {
    epoch: "e",
    events: [],
    more: true,
    next: { epoch: "e", sequence: 2n },
  });
  await client.listEvents("", "lobby", { after: cursor });
  await client.listEvents("", "lobby", null);
  assert.deepEqual(
    calls.map((call) => fromBinary(ListEventsRequestSchema, call.body).page.case),
    ["before", "after", undefined],
  );
});

test("a sign-in renews its token", async () => {
  answer(
    "application/proto",
    toBinary(
      SignInResponseSchema,
      create(SignInResponseSchema, { token: "t2", member: { id: "m", name: "Ada" }, expireTime: { seconds: 9n } }),
    ),
  );
  const identity = await createChatService("http://server").signIn("t1", " Ada ");
  assert.deepEqual(identity, { token: "t2", member: { id: "m", name: "Ada" }, expires: 9_000 });
  assert.equal(calls[0]!.headers.get("authorization"), "Bearer t1");
});

test("a failure has the wait that the server asks for", async () => {
  const fail = (code: string, type: string) =>
    answer(
      "application/json",
      Buffer.from(`{"code":"${code}","message":"limit","details":[{"type":"${type}","value":"CggIAhCAyrXuAQ"}]}`),
      code === "unavailable" ? 503 : 429,
    );
  const send = () => createChatService("http://server").send("", "lobby", "a", { kind: "deletion", target: 1n });
  fail("resource_exhausted", "google.rpc.RetryInfo");
  await assert.rejects(send(), {
    code: "resource_exhausted",
    message: "That was too much at once. The server asks to wait 3 s.",
    retryAfter: 2_500,
  });
  fail("unavailable", "google.rpc.RetryInfo");
  await assert.rejects(send(), { code: "unavailable", message: "Limit.", retryAfter: 2_500 });
  fail("resource_exhausted", "google.rpc.Other");
  await assert.rejects(send(), (reason) => reason instanceof ChatError && reason.retryAfter === undefined);
});

test("a refusal has its reason, and the room and the right that it is about", async () => {
  // The detail has reason RIGHT_REQUIRED, a domain, and metadata: room tea, right read.
  const detail = Buffer.from(
    "\n\x0eRIGHT_REQUIRED\x12\x07chat.v1\x1a\x0b\n\x04room\x12\x03tea\x1a\x0d\n\x05right\x12\x04read",
  );
  const value = detail.toString("base64").replaceAll("=", "");
  const { end } = await stream(
    [],
    `{"error":{"code":"permission_denied","message":"no","details":[{"type":"google.rpc.ErrorInfo","value":"${value}"}]}}`,
  );
  assert.deepEqual(end, {
    code: "permission_denied",
    message: "No.",
    reason: "RIGHT_REQUIRED",
    room: "tea",
    right: "read",
  });
});

/** Returns the end of a stream that is refused with details, in the binary form of protobuf. */
async function refusedWith(...details: readonly (readonly [type: string, value: string])[]): Promise<Failure> {
  const encoded = details.map(([type, value]) => ({
    type,
    value: Buffer.from(value, "latin1").toString("base64").replaceAll("=", ""),
  }));
  const error = { code: "permission_denied", message: "no", details: encoded };
  return (await stream([], JSON.stringify({ error }))).end;
}

test("a ban has its end and the moderator's reason", async () => {
  const entry = (key: string, value: string) => {
    const pair = `\n${String.fromCharCode(key.length)}${key}\x12${String.fromCharCode(value.length)}${value}`;
    return `\x1a${String.fromCharCode(pair.length)}${pair}`;
  };
  const metadata = entry("reason", "noise") + entry("until", "2026-01-02T03:04:05Z");
  assert.deepEqual(await refusedWith(["google.rpc.ErrorInfo", `\n\x06BANNED${metadata}`]), {
    code: "permission_denied",
    message: "No.",
    reason: "BANNED",
    until: Date.UTC(2026, 0, 2, 3, 4, 5),
    moderatorReason: "noise",
  });
});

test("a broken rule is the reason, the first of several", async () => {
  // The field, the id of the rule, its message, and that it is about a key of a map, which is no text.
  const violation = (rule: string) => {
    const fields = `\n\x02\n\x00\x12${String.fromCharCode(rule.length)}${rule}\x1a\x02no\x20\x01`;
    return `\n${String.fromCharCode(fields.length)}${fields}`;
  };
  const broken = ["buf.validate.Violations", violation("name.length") + violation("room.name")] as const;
  assert.equal((await refusedWith(broken)).reason, "name.length");
  const named = ["google.rpc.ErrorInfo", "\n\x06BANNED"] as const;
  assert.equal((await refusedWith(broken, named)).reason, "BANNED", "another detail says more");
});

test("the failure of a rejection is plain data", () => {
  const failure: Failure = { code: "resource_exhausted", message: "Full.", retryAfter: 1, reason: "limit.send.member" };
  assert.deepEqual(structuredClone(failureOf(new ChatError(failure))), failure);
  assert.deepEqual(failureOf("no"), { code: "unknown", message: "no" });
});

test("failures have the protocol's code and a sentence", async () => {
  const cases: [unknown, string, string][] = [
    [
      new ConnectError("message.text: must be 1 to 4,000 characters", Code.InvalidArgument),
      "invalid_argument",
      "It must be 1 to 4,000 characters.",
    ],
    [
      new ConnectError("the server is going away: reconnect", Code.Unavailable),
      "unavailable",
      "The server is going away: reconnect.",
    ],
    [new ConnectError("", Code.DeadlineExceeded), "deadline_exceeded", "The server gave no reason."],
    [new TypeError("Failed to fetch"), "unavailable", "The server could not be reached."],
  ];
  for (const [reason, code, message] of cases) {
    const failure = toFailure(reason);
    assert.deepEqual([failure.code, failure.message], [code, message]);
  }
  assert.equal(toFailure(new TypeError("Failed to fetch")).reason, ownReasons.unreachable);
  answer("application/json", Buffer.from('{"code":"not_found","message":"no such room"}'), 404);
  await assert.rejects(createChatService("http://server").listEvents("", "lobby", null), {
    code: "not_found",
    message: "No such room.",
  });
});

test("an answer that is not one of the service is told from its own", async () => {
  const { unreachable, refusedInFront } = ownReasons;
  const cases: [type: string, status: number, code: string, reason: string | undefined][] = [
    ["text/html", 200, "unavailable", unreachable], // the page of a network that wants a sign-in
    ["", 200, "unavailable", unreachable],
    ["text/html", 500, "unavailable", unreachable],
    ["text/html", 511, "unavailable", unreachable],
    ["text/html", 502, "unavailable", undefined],
    ["text/html", 429, "unavailable", refusedInFront],
    ["text/html", 401, "unauthenticated", undefined],
    ["text/html", 403, "permission_denied", refusedInFront],
    ["text/html", 404, "unimplemented", refusedInFront],
    ["text/html", 413, "unknown", refusedInFront],
  ];
  for (const [type, status, code, reason] of cases) {
    answer(type, Buffer.from("<html>"), status);
    const sent = createChatService("http://server").send("t", "lobby", "id-1", {
      kind: "message",
      text: "hi",
      replyTo: 0n,
    });
    await assert.rejects(sent, (failure: Failure) => {
      assert.deepEqual([failure.code, failure.reason], [code, reason], `${type} ${status}`);
      return true;
    });
  }
});

test('bodies become plain values, and unknown kinds "other"', async () => {
  type Init = Extract<NonNullable<MessageInitShape<typeof FrameSchema>["kind"]>, { case: "event" }>["value"];
  const bodies: NonNullable<Init>["body"][] = [
    { case: "edit", value: { target: 2n, text: "new" } },
    { case: "deletion", value: { target: 2n } },
    { case: "reaction", value: { target: 2n, emoji: "👍", removed: true } },
    {
      case: "custom",
      value: { payload: { typeUrl: "type.googleapis.com/game.v1.Move", value: new Uint8Array([255]) } },
    },
    { case: "custom", value: {} },
    { case: "memberJoined", value: { members: 3 } },
    { case: "memberCount", value: { members: 300, joined: 2, left: 1, sample: [{ id: "x" }] } },
    { case: "memberRenamed", value: {} },
    { case: "typing", value: { stopped: true } },
    { case: "roomChanged", value: { displayName: "D", topic: "T" } },
    { case: undefined },
  ];
  const { frames } = await stream(
    bodies.map((body) => ({ kind: { case: "event", value: { room: "lobby", ...(body && { body }) } } })),
  );
  assert.deepEqual(
    frames.map((f) => f.kind === "event" && f.event.body),
    [
      { kind: "edit", target: 2n, text: "new" },
      { kind: "deletion", target: 2n },
      { kind: "reaction", target: 2n, emoji: "👍", removed: true },
      { kind: "custom", type: "game.v1.Move", value: new Uint8Array([255]) },
      { kind: "custom", type: "", value: new Uint8Array() },
      { kind: "memberJoined", members: 3 },
      { kind: "memberCount", members: 300 },
      { kind: "memberRenamed" },
      { kind: "typing", stopped: true },
      { kind: "roomChanged", displayName: "D", topic: "T" },
      { kind: "other" },
    ],
  );
});

test("messages of a page have their changes", async () => {
  const changes = { sequence: 7n, editTime: { seconds: 3n }, reactions: [{ emoji: "👍", memberIds: ["a", "b"] }] };
  const page = {
    epoch: "e",
    events: [{ sequence: 2n, changes, body: { case: "message" as const, value: { text: "new" } } }],
  };
  answer("application/proto", toBinary(ListEventsResponseSchema, create(ListEventsResponseSchema, page)));
  const { events } = await createChatService("http://server").listEvents("", "lobby", null);
  const members = [
    { id: "a", name: "" },
    { id: "b", name: "" },
  ];
  assert.deepEqual(events[0]!.changes, { sequence: 7n, edited: 3_000, reactions: [{ emoji: "👍", members }] });
});

test("rooms are listed by activity, with unread counts for read cursors", async () => {
  const rooms = [
    { name: "a", members: 2, unread: 0, head: 9n, messages: 7n, lastActivity: { seconds: 5n, nanos: 6_000_000 } },
    { name: "b", displayName: "B" },
  ];
  answer(
    "application/proto",
    toBinary(ListRoomsResponseSchema, create(ListRoomsResponseSchema, { rooms, nextPageToken: "next" })),
  );
  const seen = new Map([["a", { epoch: "e", sequence: 3n }]]);
  const page = await createChatService("http://server").listRooms("", { page: "this", size: 100, readCursors: seen });
  assert.deepEqual(page, {
    rooms: [
      { name: "a", members: 2, displayName: "", topic: "", head: 9n, messages: 7n, lastActivity: 5_006, unread: 0 },
      { name: "b", members: 0, displayName: "B", topic: "", head: 0n, messages: 0n, lastActivity: 0, unread: null },
    ],
    nextToken: "next",
  });
  const request = fromBinary(ListRoomsRequestSchema, calls[0]!.body);
  assert.deepEqual([request.pageToken, request.pageSize, request.order], ["this", 100, RoomOrder.ACTIVITY]);
  assert.deepEqual(
    request.seen.map((s) => [s.room, s.cursor?.epoch, s.cursor?.sequence]),
    [["a", "e", 3n]],
  );
});
