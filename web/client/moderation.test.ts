import assert from "node:assert/strict";
import { afterEach, mock, test } from "node:test";
import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ChatError } from "./failure";
import {
  BanRequestSchema,
  BanResponseSchema,
  DenialEffect,
  ListAuditRequestSchema,
  ListAuditResponseSchema,
  ListDenialsResponseSchema,
  ModerationAction,
  UnmuteRequestSchema,
  UnmuteResponseSchema,
} from "./gen/chat/v1/moderation_pb";
import { createModeration } from "./moderation";

const calls: { readonly url: string; readonly body: Uint8Array; readonly authorization: string | null }[] = [];

/** Answers every call with a message. */
function answer<D extends DescMessage>(schema: D, message: MessageInitShape<D>): void {
  const body = toBinary(schema, create(schema, message));
  respond(body as BodyInit, 200, "application/proto");
}

function respond(body: BodyInit, status: number, type: string): void {
  mock.method(globalThis, "fetch", async (url: string, init: RequestInit) => {
    const authorization = new Headers(init.headers).get("authorization");
    calls.push({ url, body: init.body as Uint8Array, authorization });
    return new Response(body, { status, headers: { "content-type": type } });
  });
}

const moderation = createModeration({ baseUrl: "http://chat.test", token: () => "t" });
const bob = { memberId: "bob" };

afterEach(() => {
  mock.restoreAll();
  calls.length = 0;
});

test("a ban has a subject, a duration and a reason", async () => {
  const subject = { who: { case: "memberId" as const, value: "bob" } };
  const until = timestampFromMs(9_000);
  answer(BanResponseSchema, {
    denial: { effect: DenialEffect.BAN, subject, until, reason: "noise", moderatorId: "ada" },
  });
  const denial = await moderation.ban("lobby", bob, { duration: 90_000, reason: "noise" });
  assert.deepEqual(denial, { effect: "ban", subject: bob, until: 9_000, reason: "noise", moderatorId: "ada" });
  const [call] = calls;
  assert.deepEqual([call?.url, call?.authorization], ["http://chat.test/chat.v1.Moderation/Ban", "Bearer t"]);
  const { room, subject: asked, duration, reason } = fromBinary(BanRequestSchema, call!.body);
  assert.deepEqual([room, asked?.who.value, duration?.seconds, reason], ["lobby", "bob", 90n, "noise"]);
});

test("a ban without a duration has no end", async () => {
  answer(BanResponseSchema, { denial: { effect: DenialEffect.BAN } });
  assert.equal((await moderation.ban("lobby", { address: "192.0.2.7" })).until, 0);
  const { subject, duration } = fromBinary(BanRequestSchema, calls[0]!.body);
  assert.deepEqual([subject?.who, duration], [{ case: "address", value: "192.0.2.7" }, undefined]);
});

test("a mute is ended by its subject", async () => {
  answer(UnmuteResponseSchema, {});
  await moderation.unmute("lobby", bob, "sorry");
  const { room, subject, reason } = fromBinary(UnmuteRequestSchema, calls[0]!.body);
  assert.deepEqual([room, subject?.who.value, reason], ["lobby", "bob", "sorry"]);
});

test("denials and acts are listed in pages", async () => {
  const subject = { who: { case: "address" as const, value: "192.0.2.0/24" } };
  answer(ListDenialsResponseSchema, { denials: [{ effect: DenialEffect.MUTE, subject }], nextPageToken: "2" });
  const denials = await moderation.listDenials("lobby");
  assert.deepEqual(denials.items, [
    { effect: "mute", subject: { address: "192.0.2.0/24" }, until: 0, reason: "", moderatorId: "" },
  ]);
  assert.equal(denials.nextToken, "2");
  const record = { action: ModerationAction.DELETE, time: timestampFromMs(5_000), moderatorId: "ada", target: 7n };
  answer(ListAuditResponseSchema, { records: [{ ...record, reason: "spam" }] });
  assert.deepEqual((await moderation.listAudit("lobby", "2")).items, [
    { time: 5_000, action: "deletion", moderatorId: "ada", subject: null, until: 0, reason: "spam", target: 7n },
  ]);
  assert.equal(fromBinary(ListAuditRequestSchema, calls.at(-1)!.body).pageToken, "2");
});

test("a refusal is a ChatError with its reason", async () => {
  const error = { code: "permission_denied", message: "you may not moderate the room" };
  respond(JSON.stringify(error), 403, "application/json");
  await assert.rejects(moderation.kick("lobby", bob), (reason) => {
    assert.ok(reason instanceof ChatError);
    assert.deepEqual([reason.code, reason.message], ["permission_denied", "You may not moderate the room."]);
    return true;
  });
});
