// Converts the messages of the contract to the plain values of model.ts, and back.

import { type DescMessage, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { type Duration, DurationSchema, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Failure, type FailureCode, ownReasons } from "../failure";
import type {
  ListEventsRequestSchema,
  ListEventsResponse,
  ListMembersResponse,
  ListRoomsResponse,
  Room as ProtoRoom,
  SendRequestSchema,
  SubscriptionSchema,
} from "../gen/chat/v1/chat_room_pb";
import {
  type Changes as ProtoChanges,
  type Cursor as ProtoCursor,
  type Event as ProtoEvent,
  type Member as ProtoMember,
  NameMark as ProtoNameMark,
} from "../gen/chat/v1/event_pb";
import {
  type Frame as ProtoFrame,
  Right as ProtoRight,
  type RightsChanged as ProtoRightsChanged,
  type RoomState as ProtoRoomState,
  type RoomSummary as ProtoRoomSummary,
} from "../gen/chat/v1/frame_pb";
import type {
  Body,
  Changes,
  Cursor,
  Event,
  EventsPage,
  Frame,
  Member,
  MembersPage,
  NameMark,
  PagePosition,
  Rights,
  RoomSummary,
  RoomsPage,
  SendBody,
  Start,
  Subscription,
} from "../model";

/** The heartbeat interval of a server that names none, in milliseconds. */
const defaultHeartbeat = 15_000;

/**
 * How Connect words an answer that is not one of the service but of something in front of it: the page of
 * a network that wants a sign-in, and the error of a proxy.
 */
const foreignAnswer = /^(unsupported content type|HTTP 5)/;
/** Such an answer that will be the same again. That to a call without an identity (401) is said otherwise. */
const foreignRefusal = /^HTTP 4(?!01)/;

/** Returns the failure behind a rejection. fetch reports a server that it could not reach as a TypeError. */
export function toFailure(reason: unknown): Failure {
  const error = ConnectError.from(reason);
  const code = codeName(error.code);
  if (error.cause instanceof TypeError || (code !== "unavailable" && foreignAnswer.test(error.rawMessage))) {
    return { code: "unavailable", message: "The server could not be reached.", reason: ownReasons.unreachable };
  }
  const retryAfter = retryDelay(error);
  const isTooOften = code === "resource_exhausted" && retryAfter > 0;
  const message = isTooOften
    ? `That was too much at once. The server asks to wait ${Math.ceil(retryAfter / 1_000)} s.`
    : sentence(error.rawMessage);
  return { code, message, ...(retryAfter > 0 && { retryAfter }), ...factsOf(error) };
}

type Facts = Pick<Failure, "reason" | "room" | "right" | "until" | "moderatorReason">;

/** Returns what the details say, without the schemas of their types, which are large. */
function factsOf({ details, rawMessage }: ConnectError): Facts {
  if (foreignRefusal.test(rawMessage)) return { reason: ownReasons.refusedInFront };
  const detailOf = (type: string) => {
    const value = details.find((d) => "type" in d && d.type === type)?.value;
    return value instanceof Uint8Array ? value : null;
  };
  const info = detailOf("google.rpc.ErrorInfo");
  if (info) return errorInfo(info);
  const violations = detailOf("buf.validate.Violations");
  return violations ? { reason: firstRule(violations) } : {};
}

/** The fields of google.rpc.ErrorInfo are reason, domain and metadata. */
function errorInfo(message: Uint8Array): Facts {
  let reason = "";
  const metadata = new Map<string, string>();
  eachField(message, (number, value) => {
    if (number === 1) reason = decodeText(value);
    if (number !== 3) return;
    const entry = new Map<number, string>();
    eachField(value, (n, text) => entry.set(n, decodeText(text)));
    metadata.set(entry.get(1) ?? "", entry.get(2) ?? "");
  });
  const room = metadata.get("room");
  const right = metadata.get("right");
  const until = Date.parse(metadata.get("until") ?? "");
  const moderatorReason = metadata.get("reason");
  return {
    reason,
    ...(room !== undefined && { room }),
    ...(right !== undefined && { right }),
    ...(!Number.isNaN(until) && { until }),
    ...(moderatorReason !== undefined && { moderatorReason }),
  };
}

/** The first field of buf.validate.Violations are the violations, and the second one of each is the id of its rule. */
function firstRule(message: Uint8Array): string {
  let rule = "";
  eachField(message, (_, violation) => {
    eachField(violation, (number, value) => {
      if (number === 2 && rule === "") rule = decodeText(value);
    });
  });
  return rule;
}

/** Calls back for each field of a message that is a string or a message. */
function eachField(message: Uint8Array, onField: (number: number, value: Uint8Array) => void): void {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited) onField(number, reader.bytes());
    else reader.skip(type, number);
  }
}

function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Returns how long the server asks to wait, in milliseconds, 0 if it does not. */
function retryDelay({ details }: ConnectError): number {
  for (const detail of details) {
    // The delay is the only field: a tag and a length, of one byte each, come before it.
    if ("type" in detail && detail.type === "google.rpc.RetryInfo") {
      return durationMilliseconds(fromBinary(DurationSchema, detail.value.subarray(2)));
    }
  }
  return 0;
}

/** InvalidArgument is "invalid_argument" in the protocol. */
function codeName(code: Code): FailureCode {
  return Code[code].replace(/(?!^)[A-Z]/g, "_$&").toLowerCase() as FailureCode;
}

/** Makes a sentence of a server's message: without the path of the field at its start. */
function sentence(message: string): string {
  const text = message.replace(/^[a-z_]+(\[\d+\])?(\.[a-z_]+(\[\d+\])?)*: /, "").replace(/^must /, "It must ");
  return text === "" ? "The server gave no reason." : text.charAt(0).toUpperCase() + text.slice(1).replace(/\.?$/, ".");
}

type Oneof<S extends DescMessage, K extends string> = K extends keyof MessageInitShape<S>
  ? NonNullable<MessageInitShape<S>[K]>
  : never;
type SendOneof = Oneof<typeof SendRequestSchema, "body">;

export function toBody(body: SendBody | { readonly kind: "typing"; readonly stopped: boolean }): SendOneof {
  if (body.kind === "custom") return toCustom(body.type, body.value, false, "");
  const { kind, ...value } = body;
  return { case: kind, value } as SendOneof;
}

/** An application's own kind of event. */
export function toCustom(type: string, value: Uint8Array, ephemeral: boolean, key: string): SendOneof {
  return { case: "custom", value: { payload: { typeUrl: `type.googleapis.com/${type}`, value }, ephemeral, key } };
}

export function toSubscriptions(rooms: readonly Subscription[]): MessageInitShape<typeof SubscriptionSchema>[] {
  return rooms.map(({ room, start }) => ({ room, start: toStart(start) }));
}

function toStart(start: Start): Oneof<typeof SubscriptionSchema, "start"> {
  return "recent" in start ? { case: "recent", value: start.recent } : { case: "after", value: start.after };
}

export function toPosition(position: PagePosition): Oneof<typeof ListEventsRequestSchema, "page"> {
  if (position === null) return { case: undefined };
  return "before" in position ? { case: "before", value: position.before } : { case: "after", value: position.after };
}

export function toMilliseconds(time: Timestamp | undefined): number {
  return time ? timestampMs(time) : Date.now();
}

function durationMilliseconds(d: Duration | undefined): number {
  return d ? Number(d.seconds) * 1_000 + d.nanos / 1e6 : 0;
}

export function fromFrame({ kind }: ProtoFrame): Frame {
  switch (kind.case) {
    case "joined": {
      const { member, rooms, heartbeatInterval, streamId, tokenExpireTime } = kind.value;
      return {
        kind: "joined",
        member: fromMember(member),
        rooms: rooms.map((state) => ({
          room: state.room,
          epoch: state.epoch,
          head: state.head,
          members: state.members,
          displayName: state.displayName,
          topic: state.topic,
          member: fromMember(state.member ?? member),
          rights: state.rights.length > 0 ? fromRights(state) : null,
        })),
        heartbeat: durationMilliseconds(heartbeatInterval) || defaultHeartbeat,
        streamId,
        tokenExpires: tokenExpireTime ? timestampMs(tokenExpireTime) : 0,
      };
    }
    case "event":
      return { kind: "event", event: fromEvent(kind.value) };
    case "caughtUp":
      return { kind: "caughtUp", room: kind.value.room };
    case "reset": {
      const { room, epoch, oldest, head } = kind.value;
      return { kind: "reset", room, epoch, oldest, head };
    }
    case "roomsChanged": {
      const { rooms, removed, incomplete } = kind.value;
      return { kind: "roomsChanged", rooms: rooms.map(fromRoom), removed, incomplete };
    }
    case "rightsChanged":
      return { kind: "rightsChanged", room: kind.value.room, rights: fromRights(kind.value) };
    case "heartbeat":
      return { kind: "heartbeat", time: toMilliseconds(kind.value.time) };
    case "draining":
      return { kind: "draining", reconnectAfter: durationMilliseconds(kind.value.reconnectAfter) };
    case "expiring":
      return { kind: "expiring", timeLeft: durationMilliseconds(kind.value.timeLeft) };
    case "renewed":
      return { kind: "renewed" };
    default:
      return { kind: "other" };
  }
}

function fromRights({ rights, muted }: ProtoRoomState | ProtoRightsChanged): Rights {
  return {
    post: rights.includes(ProtoRight.POST),
    react: rights.includes(ProtoRight.REACT),
    editOwn: rights.includes(ProtoRight.EDIT_OWN),
    manage: rights.includes(ProtoRight.MANAGE),
    moderate: rights.includes(ProtoRight.MODERATE),
    muted: muted ? { until: muted.until ? timestampMs(muted.until) : 0, reason: muted.reason } : null,
  };
}

function fromEvent(e: ProtoEvent): Event {
  return {
    room: e.room,
    sequence: e.sequence,
    previous: e.previous,
    time: toMilliseconds(e.time),
    id: e.id,
    sender: fromMember(e.sender),
    body: fromBody(e.body),
    changes: e.changes ? fromChanges(e.changes) : null,
  };
}

function fromBody(body: ProtoEvent["body"]): Body {
  switch (body.case) {
    case "message":
      return { kind: "message", text: body.value.text, replyTo: body.value.replyTo };
    case "edit":
      return { kind: "edit", target: body.value.target, text: body.value.text };
    case "deletion":
      return { kind: "deletion", target: body.value.target };
    case "reaction":
      return { kind: "reaction", target: body.value.target, emoji: body.value.emoji, removed: body.value.removed };
    case "custom":
      // The type name follows the last slash, as in type.googleapis.com/game.v1.Move.
      return {
        kind: "custom",
        type: body.value.payload?.typeUrl.replace(/^.*\//s, "") ?? "",
        value: body.value.payload?.value ?? new Uint8Array(),
      };
    case "memberJoined":
    case "memberLeft":
    case "memberCount":
      return { kind: body.case, members: body.value.members };
    case "memberRenamed":
      return { kind: "memberRenamed" };
    case "typing":
      return { kind: "typing", stopped: body.value.stopped };
    case "roomChanged":
      return { kind: "roomChanged", displayName: body.value.displayName, topic: body.value.topic };
    default:
      return { kind: "other" };
  }
}

function fromChanges({ sequence, editTime, reactions }: ProtoChanges): Changes {
  return {
    sequence,
    edited: editTime ? timestampMs(editTime) : 0,
    reactions: reactions.map(({ emoji, memberIds }) => ({ emoji, members: memberIds.map((id) => ({ id, name: "" })) })),
  };
}

function fromMember(member: ProtoMember | undefined): Member {
  const mark = member && nameMarks[member.nameMark];
  const { id = "", name = "", picture, moderator } = member ?? {};
  return { id, name, ...(mark && { mark }), ...(picture && { picture }), ...(moderator && { moderator }) };
}

const nameMarks: Partial<Record<ProtoNameMark, NameMark>> = {
  [ProtoNameMark.RESEMBLES]: "resembles",
  [ProtoNameMark.MIXED_SCRIPTS]: "mixedScripts",
  [ProtoNameMark.RESERVED]: "reserved",
};

export function fromListEvents({ epoch, events, more, next }: ListEventsResponse): EventsPage {
  return { epoch, events: events.map(fromEvent), more, next: fromCursor(next) };
}

export function fromListMembers({ members, nextPageToken, total }: ListMembersResponse): MembersPage {
  const more = nextPageToken !== "";
  return { members: members.map(fromMember), more, ...(more && { nextToken: nextPageToken }), total };
}

export function fromListRooms({ rooms, nextPageToken }: ListRoomsResponse): RoomsPage {
  return {
    rooms: rooms.map((room) => ({ ...fromRoom(room), unread: room.unread ?? null })),
    nextToken: nextPageToken,
  };
}

function fromRoom(room: ProtoRoom | ProtoRoomSummary): RoomSummary {
  const { name, displayName, topic, members, head, messages, lastActivity } = room;
  const time = lastActivity ? timestampMs(lastActivity) : 0;
  return { name, displayName, topic, members, head, messages, lastActivity: time };
}

function fromCursor(c: ProtoCursor | undefined): Cursor {
  return { epoch: c?.epoch ?? "", sequence: c?.sequence ?? 0n };
}
