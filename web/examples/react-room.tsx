/** @jsxImportSource react */
// A room in React.
import { createChat } from "chatroom-client";
import { useMembers, useRoom, useSend, useStatus, useTimeline, useTyping, useUnread } from "chatroom-client/react";
import { type FormEvent, useState } from "react";
import { createRoot } from "react-dom/client";

const address = new URLSearchParams(location.search);
const baseUrl = address.get("server") ?? location.origin;
const chat = createChat({ baseUrl, guest: { name: address.get("name") ?? "Ada" } });

function Room({ name }: { readonly name: string }) {
  const room = useRoom(chat, name);
  const { items } = useTimeline(room);
  const { count } = useMembers(room);
  const [typists, draftChanged] = useTyping(room);
  const [unread, markRead] = useUnread(room);
  const send = useSend(room);
  const [text, setText] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== "") send(text);
    setText("");
  };
  return (
    <form onSubmit={submit} onFocus={markRead}>
      <p id="status">
        {useStatus(chat)}, {count} here, {unread} unread, {typists.map((t) => t.name).join()}
      </p>
      <ol id="log">
        {items.map((item) =>
          item.kind === "message" ? (
            <li key={item.key} data-status={item.status}>
              {item.sender.name}: {item.text}
            </li>
          ) : null,
        )}
      </ol>
      <input
        id="text"
        aria-label="Message"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          draftChanged(event.target.value);
        }}
      />
      <button type="submit">Send</button>
    </form>
  );
}

createRoot(document.body.appendChild(document.createElement("div"))).render(
  <Room name={address.get("room") ?? "lobby"} />,
);
