// What is on the wire, as the plain values of model.ts and back.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampMs, type Duration, type Timestamp } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ListEventsResponse, ListMembersResponse, ListRoomsResponse, Room as WireRoom, SendRequestSchema, SubscriptionSchema } from "../gen/chat/v1/chat_room_pb";
import { type Changes as WireChanges, type Cursor as WireCursor, CursorSchema, type Event as WireEvent, type Member as WireMember } from "../gen/chat/v1/event_pb";
import type { Frame as WireFrame, RoomSummary } from "../gen/chat/v1/frame_pb";
import type { Body, Changes, Crowd, Cursor, Event, Failure, Frame, Member, Page, Place, RoomEntry, RoomsPage, Speech, Start } from "../model";

/** What a server that names no heartbeat interval keeps to, in milliseconds. */
const defaultHeartbeat = 15_000;

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

type Oneof<S extends typeof SendRequestSchema | typeof SubscriptionSchema, K extends string> = K extends keyof MessageInitShape<S>
  ? NonNullable<MessageInitShape<S>[K]>
  : never;

export function toBody(body: Speech | { readonly kind: "typing"; readonly stopped: boolean }): Oneof<typeof SendRequestSchema, "body"> {
  const { kind, ...value } = body;
  return { case: kind, value } as Oneof<typeof SendRequestSchema, "body">;
}

export function toStart(start: Start): Oneof<typeof SubscriptionSchema, "start"> {
  if ("recent" in start) return { case: "recent", value: start.recent };
  return { case: "after", value: create(CursorSchema, start.after) };
}

export function toPlace(place: Place) {
  if (place === null) return { case: undefined };
  if ("before" in place) return { case: "before", value: create(CursorSchema, place.before) } as const;
  return { case: "after", value: create(CursorSchema, place.after) } as const;
}

export function toMs(time: Timestamp | undefined): number {
  return time ? timestampMs(time) : Date.now();
}

function durationMs(d: Duration | undefined): number {
  return d ? Number(d.seconds) * 1_000 + d.nanos / 1e6 : 0;
}

export function fromFrame(frame: WireFrame, room: string): Frame {
  const { kind } = frame;
  switch (kind.case) {
    case "joined": {
      const state = kind.value.rooms.find((r) => r.room === room);
      return {
        kind: "joined",
        epoch: state?.epoch ?? "",
        head: state?.head ?? 0n,
        heartbeat: durationMs(kind.value.heartbeatInterval) || defaultHeartbeat,
        members: state?.members ?? 0,
        displayName: state?.displayName ?? "",
        topic: state?.topic ?? "",
      };
    }
    case "event":
      return { kind: "event", event: fromEvent(kind.value) };
    case "caughtUp":
      return { kind: "caughtUp" };
    case "reset":
      return { kind: "reset", epoch: kind.value.epoch, head: kind.value.head };
    case "roomsChanged":
      return { kind: "roomsChanged", rooms: kind.value.rooms.map(fromRoom), removed: kind.value.removed, incomplete: kind.value.incomplete };
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
    sender: fromMember(e.sender),
    body: fromBody(e.body),
    changes: e.changes ? fromChanges(e.changes) : null,
  };
}

function fromBody(body: WireEvent["body"]): Body {
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
      // The name after the last slash, as in type.googleapis.com/game.v1.Move.
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

function fromChanges(changes: WireChanges): Changes {
  return {
    sequence: changes.sequence,
    edited: changes.editTime ? timestampMs(changes.editTime) : 0,
    reactions: changes.reactions.map(({ emoji, memberIds }) => ({ emoji, members: memberIds.map((id) => ({ id, name: "" })) })),
  };
}

export function fromMember(member: WireMember | undefined): Member {
  return { id: member?.id ?? "", name: member?.name ?? "" };
}

export function fromPage(page: ListEventsResponse): Page {
  return { epoch: page.epoch, events: page.events.map(fromEvent), more: page.more, next: fromCursor(page.next) };
}

export function fromCrowd(crowd: ListMembersResponse): Crowd {
  return { members: crowd.members.map(fromMember), more: crowd.nextPageToken !== "", total: crowd.total };
}

export function fromRooms({ rooms, nextPageToken }: ListRoomsResponse): RoomsPage {
  return { rooms: rooms.map((room) => ({ ...fromRoom(room), unread: room.unread ?? null })), next: nextPageToken };
}

function fromRoom({ name, displayName, topic, members, head, messages, lastActivity }: WireRoom | RoomSummary): RoomEntry {
  return { name, displayName, topic, members, head, messages, active: lastActivity ? timestampMs(lastActivity) : 0 };
}

function fromCursor(c: WireCursor | undefined): Cursor {
  return { epoch: c?.epoch ?? "", sequence: c?.sequence ?? 0n };
}
