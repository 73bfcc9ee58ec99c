// What the package's types allow, and what they don't.
import type { StringValue } from "@bufbuild/protobuf/wkt";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { type Chat, ChatError, createChat, memoryStorage, type Status } from "chatroom-client";
import { useTimeline } from "chatroom-client/react";

const chat: Chat = createChat({ baseUrl: "http://localhost", getToken: async () => "token", storage: memoryStorage() });
const room = chat.room("lobby");
const status: Status = chat.status.getSnapshot();
const end: () => void = room.on(StringValueSchema, (message: StringValue, event) => {
  const value: string = message.value;
  console.log(value, event.sequence, status);
});
// @ts-expect-error The handler gets a message of the schema.
room.on(StringValueSchema, (message: { readonly count: number }) => console.log(message));
// @ts-expect-error A message has the fields of its schema.
room.sendCustom(StringValueSchema, { count: 1 });
const id: string = room.sendCustom(StringValueSchema, { value: "x" });
const { items } = room.timeline.getSnapshot();
for (const item of items) if (item.kind === "message" && item.failure) console.log(item.failure.message, id);
export const Timeline = () => useTimeline(room).items.length;
try {
  room.send("");
} catch (reason) {
  if (reason instanceof ChatError) console.log(reason.code === "invalid_argument", end);
}
