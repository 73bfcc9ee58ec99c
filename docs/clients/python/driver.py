"""Drives chatroom.py in the conformance kit, by the protocol in docs/CLIENTS.md:

go run ./server/internal/conformance env PYTHONPATH=DIRECTORY python3 docs/clients/python/driver.py
"""

import json
import os
import pathlib
import sys
import threading

from chatroom import Client

writing = threading.Lock()


def report(kind, **fields):
    with writing:
        print(json.dumps({"report": kind, **fields}), flush=True)


class Driver:
    def connect(self, command):
        self.token, self.hang_at = command["token"], command.get("hang_at", "")
        self.client = Client(
            command["url"].removeprefix("http://"),
            command["rooms"],
            on_event=self.event,
            on_reset=lambda room: report("reset", room=room),
            on_refused=lambda error: report("status", status="refused", message=error.details()),
            token=lambda: self.token,
            file=pathlib.Path(command["store"], "cursors.json"),
        )

    def event(self, event):
        if not event.HasField("message"):
            return
        if str(event.sequence) == self.hang_at:
            report("handling", room=event.room, sequence=str(event.sequence))
            threading.Event().wait()  # until the kit kills the process
        report("event", room=event.room, sequence=str(event.sequence), text=event.message.text)

    def send(self, command):
        def done(future):
            error = future.exception()
            if error:
                report("failed", ref=command["ref"], code=error.code().name.lower(), message=error.details())
            else:
                report("sent", ref=command["ref"], sequence=str(future.result().sequence))

        self.client.send(command["room"], command["text"]).add_done_callback(done)


driver = Driver()
report("ready", client="Python, over gRPC")
for line in sys.stdin:
    command = json.loads(line)
    if command["command"] == "connect":
        driver.connect(command)
    elif command["command"] == "join":
        driver.client.join(command["room"])
    elif command["command"] == "send":
        driver.send(command)
    elif command["command"] == "token":
        driver.token = command["token"]
        report("token", token=driver.token)
    elif command["command"] == "close":
        break
with writing:  # the threads of the client end with the process
    sys.stdout.flush()
    os._exit(0)
