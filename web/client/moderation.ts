// What moderators of a room do, beside deleting messages. It is a module of its own, so that
// a user interface loads it only for a user with the right moderate.

import { durationFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import {
  DenialEffect,
  ModerationAction,
  type Denial as ProtoDenial,
  Moderation as Service,
} from "./gen/chat/v1/moderation_pb";
import { createCalls } from "./transport/calls";

/** Whom a ban, a mute or a kick is for: a member by id, or all callers of an address or a network. */
export type Subject = { readonly memberId: string } | { readonly address: string };

/** How long a denial lasts, and why there is one. */
export interface DenialOptions {
  /** In milliseconds. Default: 10 s for a kick, and no end for the others. */
  readonly duration?: number;
  /** One line of up to 300 characters. The subject is told. Default: none. */
  readonly reason?: string;
}

/** A ban or a mute. A kick is a short ban. */
export interface Denial {
  readonly effect: "ban" | "mute";
  readonly subject: Subject;
  /** When it ends, 0 for never. */
  readonly until: number;
  /** Empty if none was given. */
  readonly reason: string;
  readonly moderatorId: string;
}

/** What a moderator has done. */
export interface AuditRecord {
  readonly time: number;
  readonly action: "mute" | "unmute" | "kick" | "ban" | "unban" | "deletion" | "other";
  readonly moderatorId: string;
  /** Null for a deletion. */
  readonly subject: Subject | null;
  /** When a ban, a kick or a mute ends, 0 for never. */
  readonly until: number;
  readonly reason: string;
  /** The sequence of the message, of a deletion. */
  readonly target: bigint;
}

/** A page of a list. */
export interface ModerationPage<T> {
  readonly items: readonly T[];
  /** The token of the next page, empty on the last one. */
  readonly nextToken: string;
}

export interface ModerationOptions {
  /** Where the service is, as https://chat.example.com. */
  readonly baseUrl: string;
  /** Returns the caller's token. */
  readonly token: () => string;
}

/** The calls of a moderator. They reject with a ChatError. */
export type Moderation = ReturnType<typeof createModeration>;

/** Returns the calls of a moderator. They need a token with the right moderate in the room. */
export function createModeration({ baseUrl, token }: ModerationOptions) {
  const { call } = createCalls(baseUrl);
  return {
    /** Takes from a subject what others would see: sending, reacting, editing. */
    async mute(room: string, subject: Subject, options: DenialOptions = {}): Promise<Denial> {
      const { denial } = await call(Service.method.mute, toDenial(room, subject, options), token());
      return fromDenial(denial);
    },

    async unmute(room: string, subject: Subject, reason = ""): Promise<void> {
      await call(Service.method.unmute, { room, subject: toSubject(subject), reason }, token());
    },

    /** Removes a subject from a room, and keeps it out for a moment. */
    async kick(room: string, subject: Subject, options: DenialOptions = {}): Promise<Denial> {
      const { denial } = await call(Service.method.kick, toDenial(room, subject, options), token());
      return fromDenial(denial);
    },

    /** Takes all rights in a room from a subject. */
    async ban(room: string, subject: Subject, options: DenialOptions = {}): Promise<Denial> {
      const { denial } = await call(Service.method.ban, toDenial(room, subject, options), token());
      return fromDenial(denial);
    },

    /** Ends a ban or a kick. */
    async unban(room: string, subject: Subject, reason = ""): Promise<void> {
      await call(Service.method.unban, { room, subject: toSubject(subject), reason }, token());
    },

    /** Lists the bans and mutes of a room that have not ended. */
    async listDenials(room: string, pageToken = ""): Promise<ModerationPage<Denial>> {
      const answer = await call(Service.method.listDenials, { room, pageToken }, token());
      return { items: answer.denials.map(fromDenial), nextToken: answer.nextPageToken };
    },

    /** Lists what moderators have done in a room, the newest first. */
    async listAudit(room: string, pageToken = ""): Promise<ModerationPage<AuditRecord>> {
      const answer = await call(Service.method.listAudit, { room, pageToken }, token());
      const items = answer.records.map(
        ({ time, action, moderatorId, subject, until, reason, target }): AuditRecord => ({
          time: time ? timestampMs(time) : 0,
          action: actions[action] ?? "other",
          moderatorId,
          subject: subject ? fromSubject(subject) : null,
          until: until ? timestampMs(until) : 0,
          reason,
          target,
        }),
      );
      return { items, nextToken: answer.nextPageToken };
    },
  };
}

const actions: Partial<Record<ModerationAction, AuditRecord["action"]>> = {
  [ModerationAction.MUTE]: "mute",
  [ModerationAction.UNMUTE]: "unmute",
  [ModerationAction.KICK]: "kick",
  [ModerationAction.BAN]: "ban",
  [ModerationAction.UNBAN]: "unban",
  [ModerationAction.DELETE]: "deletion",
};

function toDenial(room: string, subject: Subject, { duration, reason = "" }: DenialOptions) {
  return { room, subject: toSubject(subject), reason, ...(duration && { duration: durationFromMs(duration) }) };
}

function toSubject(subject: Subject) {
  return "memberId" in subject
    ? { who: { case: "memberId" as const, value: subject.memberId } }
    : { who: { case: "address" as const, value: subject.address } };
}

function fromSubject({ who }: NonNullable<ProtoDenial["subject"]>): Subject {
  return who.case === "address" ? { address: who.value } : { memberId: who.value ?? "" };
}

function fromDenial(denial: ProtoDenial | undefined): Denial {
  return {
    effect: denial?.effect === DenialEffect.MUTE ? "mute" : "ban",
    subject: denial?.subject ? fromSubject(denial.subject) : { memberId: "" },
    until: denial?.until ? timestampMs(denial.until) : 0,
    reason: denial?.reason ?? "",
    moderatorId: denial?.moderatorId ?? "",
  };
}
