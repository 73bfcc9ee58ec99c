// Drives the TypeScript client in the conformance kit, by the protocol in docs/CLIENTS.md.

import { createInterface } from "node:readline";
import { type Chat, createChat, type MessageItem, type Room, type TimelineItem } from "../index";

interface Command {
  readonly command: string;
  readonly url: string;
  readonly rooms: readonly string[];
  readonly token: string;
  readonly room: string;
  readonly ref: string;
  readonly text: string;
}

type Report = Record<string, string | Record<string, string>>;

function report(kind: string, fields: Report = {}): void {
  process.stdout.write(`${JSON.stringify({ report: kind, ...fields })}\n`);
}

/** The application: it shows timelines. What appears there for the first time is an event. */
class Application {
  readonly #chat: Chat;
  readonly #seen = new Set<string>();
  /** The refs of what is on its way, by id. */
  readonly #sends = new Map<string, string>();
  token = "";
  #status = "";

  constructor({ url, token, rooms }: Command) {
    this.token = token;
    this.#chat = createChat({ baseUrl: url, getToken: () => this.token });
    this.#chat.status.subscribe(() => this.#reportStatus());
    for (const room of rooms) this.join(room);
  }

  join(name: string): void {
    const room = this.#chat.room(name);
    room.timeline.subscribe(() => this.#show(room));
    room.subscribe(() => this.#show(room));
  }

  send({ room, text, ref }: Command): void {
    this.#sends.set(this.#chat.room(room).send(text), ref);
  }

  close(): void {
    this.#chat.close();
  }

  #show(room: Room): void {
    for (const item of room.timeline.getSnapshot().items) this.#showItem(room.name, item);
  }

  #showItem(room: string, item: TimelineItem): void {
    if (item.kind === "reset") {
      if (this.#isNew(`${room} ${item.key}`)) report("reset", { room });
    } else if (item.kind === "message") {
      const key = `${room} ${item.sequence} ${item.text}`;
      if (item.sequence > 0n && this.#isNew(key))
        report("event", { room, sequence: `${item.sequence}`, text: item.text });
      this.#reportSend(item);
    }
  }

  #reportSend({ id, sequence, status, failure }: MessageItem): void {
    const ref = this.#sends.get(id);
    if (ref === undefined || (sequence === 0n && status !== "failed")) return;
    this.#sends.delete(id);
    if (sequence > 0n) report("sent", { ref, sequence: `${sequence}` });
    else report("failed", { ref, message: failure?.message ?? "" });
  }

  #isNew(key: string): boolean {
    const before = this.#seen.size;
    return this.#seen.add(key).size > before;
  }

  #reportStatus(): void {
    const status = this.#chat.status.getSnapshot();
    if (status === this.#status) return;
    this.#status = status;
    report("status", { status: status === "expired" ? "refused" : status });
  }
}

let application: Application | undefined;
report("ready", {
  client: "the TypeScript client",
  cannot: { resume: "a room's timeline begins with its newest messages, and the page keeps no cursor of it" },
});
for await (const line of createInterface({ input: process.stdin })) {
  const command: Command = JSON.parse(line);
  if (command.command === "connect") application = new Application(command);
  else if (command.command === "join") application?.join(command.room);
  else if (command.command === "send") application?.send(command);
  else if (command.command === "token") {
    if (application) application.token = command.token;
    report("token", { token: command.token });
  } else if (command.command === "close") break;
}
process.stdin.destroy();
application?.close();
