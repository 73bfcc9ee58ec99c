// Converts the messages of the contract to the plain values of model.ts, and back.

import { type DescMessage, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { type Duration, DurationSchema, type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Failure, FailureCode } from "../failure";
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
} from "../model";

/** The heartbeat interval of a server that names none, in milliseconds. */
const defaultHeartbeat = 15_000;

/** Returns the failure behind a rejection. fetch reports a server that it could not reach as a TypeError. */
export function toFailure(reason: unknown): Failure {
  const error = ConnectError.from(reason);
  if (error.cause instanceof TypeError) {
    return { code: "unavailable", message: "The server could not be reached." };
  }
  const code = codeName(error.code);
  const retryAfter = retryDelay(error);
  if (retryAfter === 0) return { code, message: sentence(error.rawMessage) };
  const message =
    code === "resource_exhausted"
      ? `That was too much at once. The server asks to wait ${Math.ceil(retryAfter / 1_000)} s.`
      : sentence(error.rawMessage);
  return { code, message, retryAfter };
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
  const { kind, ...value } = body;
  return { case: kind, value } as SendOneof;
}

export function toStart(start: Start): Oneof<typeof SubscriptionSchema, "start"> {
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

export function fromFrame({ kind }: ProtoFrame, room: string): Frame {
  switch (kind.case) {
    case "joined": {
      const state = kind.value.rooms.find((r) => r.room === room);
      return {
        kind: "joined",
        epoch: state?.epoch ?? "",
        head: state?.head ?? 0n,
        heartbeat: durationMilliseconds(kind.value.heartbeatInterval) || defaultHeartbeat,
        members: state?.members ?? 0,
        displayName: state?.displayName ?? "",
        topic: state?.topic ?? "",
        member: fromMember(state?.member ?? kind.value.member),
        rights: state && state.rights.length > 0 ? fromRights(state) : null,
      };
    }
    case "event":
      return { kind: "event", event: fromEvent(kind.value) };
    case "caughtUp":
      return { kind: "caughtUp" };
    case "reset":
      return { kind: "reset", epoch: kind.value.epoch, head: kind.value.head };
    case "roomsChanged": {
      const { rooms, removed, incomplete } = kind.value;
      return { kind: "roomsChanged", rooms: rooms.map(fromRoom), removed, incomplete };
    }
    case "rightsChanged":
      return kind.value.room === room ? { kind: "rightsChanged", rights: fromRights(kind.value) } : { kind: "other" };
    case "draining":
      return { kind: "draining", reconnectAfter: durationMilliseconds(kind.value.reconnectAfter) };
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
      return { kind: "custom", type: body.value.payload?.typeUrl.replace(/^.*\//s, "") ?? "" };
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
  return { id: member?.id ?? "", name: member?.name ?? "", ...(mark && { mark }) };
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
  return { members: members.map(fromMember), more: nextPageToken !== "", total };
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
