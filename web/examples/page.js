// A room in a plain page, without a build: chatroom.js is the bundle of the package.
import { createChat } from "./chatroom.js";

const address = new URLSearchParams(location.search);
const baseUrl = address.get("server") ?? location.origin;
const chat = createChat({ baseUrl, guest: { name: address.get("name") ?? "Ada" } });
const room = chat.room(address.get("room") ?? "lobby");
const [status, log, form, text] = ["status", "log", "form", "text"].map((id) => document.getElementById(id));

chat.status.subscribe(() => {
  status.textContent = chat.status.getSnapshot();
});

room.timeline.subscribe(() => {
  const lines = room.timeline.getSnapshot().items.filter((item) => item.kind === "message");
  log.replaceChildren(
    ...lines.map((message) => {
      const line = document.createElement("li");
      line.dataset.status = message.status;
      line.textContent = `${message.sender.name}: ${message.text}`;
      return line;
    }),
  );
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (text.value.trim() !== "") room.send(text.value);
  text.value = "";
});
