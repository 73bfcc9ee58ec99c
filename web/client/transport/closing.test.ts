import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createChatService } from "./chat-service";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

test("a closed stream ends its connection, also after a collection of garbage", { timeout: 30_000 }, async () => {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "application/connect+proto" });
    response.flushHeaders(); // the stream is silent
    response.on("close", () => server.emit("left"));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const service = createChatService(`http://127.0.0.1:${port}`);
  const arrived = once(server, "request");
  const close = service.openStream(
    { token: "", rooms: [{ room: "lobby", start: { recent: 1 } }], watchRooms: false },
    { frame: () => assert.fail("a frame"), ended: () => assert.fail("an end") },
  );
  await arrived;
  for (let i = 0; i < 5; i++) {
    await new Promise((resolve) => setTimeout(resolve, 50)); // the client reads the headers
    collectGarbage();
  }
  const left = once(server, "left");
  close();
  await left;
  server.close();
});
