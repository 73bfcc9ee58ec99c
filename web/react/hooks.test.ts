import assert from "node:assert/strict";
import { test } from "node:test";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { createChat } from "../client";
import { useMembers, useRoom, useSend, useStatus, useTimeline, useTyping, useUnread } from ".";

test("hooks draw the first state on a server, and join nothing there", () => {
  const chat = createChat({ baseUrl: "http://127.0.0.1:1" });
  const Room = () => {
    const room = useRoom(chat, "Lobby");
    const { items, ready } = useTimeline(room);
    const [typists, changed] = useTyping(room);
    const [unread, markRead] = useUnread(room);
    const { count, members } = useMembers(room);
    const actions = [useSend(room), changed, markRead].map((f) => typeof f);
    const shown = { name: room.name, items, ready, typists, unread, count, members, actions, status: useStatus(chat) };
    return createElement("pre", null, JSON.stringify(shown));
  };
  const html = renderToString(createElement(Room)).replaceAll("&quot;", '"');
  assert.deepEqual(JSON.parse(html.slice("<pre>".length, -"</pre>".length)), {
    name: "lobby",
    items: [],
    ready: false,
    typists: [],
    unread: 0,
    count: 0,
    members: null,
    actions: ["function", "function", "function"],
    status: "connecting",
  });
  chat.close();
});
