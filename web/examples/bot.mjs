// A bot on Node.js: it answers each message that begins with "!echo".
//   node bot.mjs http://localhost:8080 lobby
import { createChat } from "chatroom-client";

const [baseUrl = "http://localhost:8080", name = "echo"] = process.argv.slice(2);
const chat = createChat({ baseUrl, guest: { name: "Echo" } });
const room = chat.room(name);

room.onEvent(({ sequence, body }) => {
  if (body.kind !== "message" || !body.text.startsWith("!echo ")) return;
  room.reply(sequence, body.text.slice("!echo ".length));
});

chat.status.subscribe(() => console.log(chat.status.getSnapshot()));
