import assert from "node:assert/strict";
import { test } from "node:test";
import { NameMark } from "../gen/chat/v1/event_pb";
import { Right } from "../gen/chat/v1/frame_pb";
import { stream } from "../testing/recorded-calls";

test("frames become plain values", async () => {
  const time = { seconds: 5n, nanos: 6_000_000 };
  const { frames } = await stream([
    {
      kind: {
        case: "joined",
        value: {
          member: { id: "m", name: "Ada" },
          rooms: [
            {
              room: "lobby",
              epoch: "e",
              head: 9n,
              members: 2,
              topic: "T",
              member: { id: "m", name: "Ada 2", nameMark: NameMark.RESEMBLES },
              rights: [Right.READ, Right.POST, Right.MODERATE],
            },
          ],
          heartbeatInterval: { seconds: 2n, nanos: 500_000_000 },
          streamId: "s1",
          tokenExpireTime: { seconds: 9n },
        },
      },
    },
    {
      kind: {
        case: "event",
        value: {
          room: "lobby",
          sequence: 9n,
          previous: 4n,
          time,
          id: "i",
          sender: { id: "m", name: "M", moderator: true },
          body: { case: "message", value: { text: "hi" } },
        },
      },
    },
    { kind: { case: "event", value: { room: "lobby", sequence: 10n, previous: 9n, time } } },
    { kind: { case: "caughtUp", value: { room: "lobby" } } },
    { kind: { case: "reset", value: { room: "lobby", epoch: "f", oldest: 2n, head: 3n } } },
    { kind: { case: "roomsChanged", value: { incomplete: true } } },
    {
      kind: {
        case: "roomsChanged",
        value: {
          rooms: [{ name: "tea", head: 4n, members: 1, messages: 3n, lastActivity: time, displayName: "Tea" }],
          removed: ["gone"],
        },
      },
    },
    {
      kind: {
        case: "rightsChanged",
        value: { room: "lobby", rights: [Right.READ], muted: { until: time, reason: "noise" } },
      },
    },
    { kind: { case: "heartbeat", value: { time } } },
    { kind: { case: "expiring", value: { timeLeft: { seconds: 60n } } } },
    { kind: { case: "renewed", value: {} } },
    { kind: { case: undefined } },
    { kind: { case: "draining", value: { reconnectAfter: { nanos: 250_000_000 } } } },
  ]);
  assert.deepEqual(frames, [
    {
      kind: "joined",
      member: { id: "m", name: "Ada" },
      rooms: [
        {
          room: "lobby",
          epoch: "e",
          head: 9n,
          members: 2,
          displayName: "",
          topic: "T",
          member: { id: "m", name: "Ada 2", mark: "resembles" },
          rights: { post: true, react: false, editOwn: false, manage: false, moderate: true, muted: null },
        },
      ],
      heartbeat: 2_500,
      streamId: "s1",
      tokenExpires: 9_000,
    },
    {
      kind: "event",
      event: {
        room: "lobby",
        sequence: 9n,
        previous: 4n,
        time: 5_006,
        id: "i",
        sender: { id: "m", name: "M", moderator: true },
        body: { kind: "message", text: "hi", replyTo: 0n },
        changes: null,
      },
    },
    {
      kind: "event",
      event: {
        room: "lobby",
        sequence: 10n,
        previous: 9n,
        time: 5_006,
        id: "",
        sender: { id: "", name: "" },
        body: { kind: "other" },
        changes: null,
      },
    },
    { kind: "caughtUp", room: "lobby" },
    { kind: "reset", room: "lobby", epoch: "f", oldest: 2n, head: 3n },
    { kind: "roomsChanged", rooms: [], removed: [], incomplete: true },
    {
      kind: "roomsChanged",
      removed: ["gone"],
      incomplete: false,
      rooms: [{ name: "tea", displayName: "Tea", topic: "", members: 1, head: 4n, messages: 3n, lastActivity: 5_006 }],
    },
    {
      kind: "rightsChanged",
      room: "lobby",
      rights: {
        post: false,
        react: false,
        editOwn: false,
        manage: false,
        moderate: false,
        muted: { until: 5_006, reason: "noise" },
      },
    },
    { kind: "heartbeat", time: 5_006 },
    { kind: "expiring", timeLeft: 60_000 },
    { kind: "renewed" },
    { kind: "other" },
    { kind: "draining", reconnectAfter: 250 },
  ]);
});
