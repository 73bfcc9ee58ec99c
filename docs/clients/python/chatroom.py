"""A client of chatroom over gRPC, which follows the rules in docs/CLIENTS.md.

buf.gen.yaml has the command that generates what it imports. As a program, it prints a room, and
sends each line of its input: PYTHONPATH=DIRECTORY python3 chatroom.py localhost:8080 lobby
"""

import concurrent.futures
import contextlib
import json
import queue
import random
import sys
import threading
import time
import uuid

import grpc
from chat.v1 import chat_room_pb2 as pb
from chat.v1.chat_room_pb2_grpc import ChatRoomStub
from chat.v1.event_pb2 import Cursor, Message
from errors_pb2 import RetryInfo, Status

START_TIMEOUT = 30  # seconds until the first frame, which has the heartbeat interval
CALL_TIMEOUT = 5  # seconds until a send without an answer is repeated
CHANNEL_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),  # a new channel never uses a connection that is dead
    ("grpc.enable_retries", 0),  # retries are made here, with the server's delays
]
CODE = grpc.StatusCode  # of PERMANENT, the same request would be refused again; others are temporary
PERMANENT = {CODE.INVALID_ARGUMENT, CODE.NOT_FOUND, CODE.ALREADY_EXISTS, CODE.PERMISSION_DENIED, CODE.UNIMPLEMENTED}


def back_off():
    """Yields pauses between zero and a bound that doubles from 0.1 s to 10 s: full jitter."""
    bound = 0.1
    while True:
        yield random.uniform(0, bound)
        bound = min(2 * bound, 10)


def metadata(token):
    return [("authorization", "Bearer " + token)] if token else []


def retry_after(error):
    """Returns the seconds that the server asks to wait before a retry, 0 for none."""
    for key, value in (error and error.trailing_metadata()) or ():
        if key == "grpc-status-details-bin":
            for detail in Status.FromString(value).details:
                info = RetryInfo()
                if detail.Unpack(info):
                    return info.retry_delay.ToTimedelta().total_seconds()
    return 0


def after(seconds, do):
    """Calls do after a time, by a clock that does not jump, unless it is canceled."""
    timer = threading.Timer(seconds, do)
    timer.daemon = True
    timer.start()
    return timer


class Client:
    """Follows rooms, and sends. token() returns the credential that the application has now.

    on_event(event) is called once for each event, in order; on_reset(room) when events of a room
    are lost: discard what is shown of it; on_refused(error) when the server does not accept the
    token, which is the end. Cursors are kept in a file (a Path), after on_event has returned.
    """

    def __init__(self, address, rooms, on_event, on_reset=print, on_refused=print, token=lambda: "", file=None):
        self.address, self.rooms, self.token, self.file = address, list(rooms), token, file
        self.on_event, self.on_reset, self.on_refused = on_event, on_reset, on_refused
        self.cursors = json.loads(file.read_text()) if file and file.exists() else {}
        self.lock, self.call, self.joining = threading.Lock(), None, False  # the lock guards rooms and these
        self.sends = queue.Queue()
        for target in (self._follow, self._send_all):
            threading.Thread(target=target, daemon=True).start()

    def join(self, room):
        """Follows another room: the stream is replaced by one that also has this room."""
        with self.lock:
            self.rooms.append(room)
            if self.call:
                self.joining = True
                self.call.cancel()

    def send(self, room, text):
        """Sends a message. The result of the future is the response, or the error of a refusal."""
        future = concurrent.futures.Future()
        self.sends.put((pb.SendRequest(room=room, id=str(uuid.uuid4()), message=Message(text=text)), future))
        return future

    def _follow(self):
        self.pauses = back_off()
        while True:
            token, self.not_before, error = self.token(), 0.0, None
            try:
                with grpc.insecure_channel(self.address, CHANNEL_OPTIONS) as channel:
                    self._stream(ChatRoomStub(channel), token)
            except grpc.RpcError as e:
                error = e
            with self.lock:
                joining, self.joining, self.call = self.joining, False, None
            if joining:
                continue
            if error and error.code() == CODE.UNAUTHENTICATED and token == self.token():
                return self.on_refused(error)
            time.sleep(max(next(self.pauses), retry_after(error), self.not_before - time.monotonic()))

    def _stream(self, stub, token):
        """Opens a stream, and handles its frames until another one is needed."""
        with self.lock:
            request = pb.SubscribeRequest(rooms=[self._start(room) for room in self.rooms])
            self.call = call = stub.Subscribe(request, metadata=metadata(token))
        silence, stream_id = START_TIMEOUT, ""
        timers = {"silence": after(silence, call.cancel)}
        try:
            for response in call:
                timers["silence"].cancel()  # that on_event takes long is no silence
                frame, kind = response.frame, response.frame.WhichOneof("kind")
                if kind == "joined":
                    self.pauses, stream_id = back_off(), frame.joined.stream_id
                    silence = 2 * frame.joined.heartbeat_interval.ToTimedelta().total_seconds() or silence
                    for state in frame.joined.rooms:
                        self.cursors.setdefault(state.room, [state.epoch, state.head])
                elif kind == "event":
                    if not self._event(frame.event):
                        return call.cancel()
                elif kind == "reset":
                    self.on_reset(frame.reset.room)
                    self._keep(frame.reset.room, frame.reset.epoch, frame.reset.head)
                elif kind == "draining":
                    seconds = frame.draining.reconnect_after.ToTimedelta().total_seconds()
                    self.not_before = time.monotonic() + seconds
                    timers["draining"] = after(seconds, call.cancel)
                elif kind == "expiring":  # if this fails, the next stream has the new token
                    with contextlib.suppress(grpc.RpcError):
                        renewal = pb.RenewStreamRequest(stream_id=stream_id)
                        stub.RenewStream(renewal, metadata=metadata(self.token()), timeout=CALL_TIMEOUT)
                # Frames of other kinds are skipped: later servers have more.
                timers["silence"] = after(silence, call.cancel)
        finally:
            for timer in timers.values():
                timer.cancel()

    def _event(self, event):
        """Applies an event that was not seen. It returns False if one before it is missing."""
        epoch, last = self.cursors[event.room]
        if event.sequence == 0:  # ephemeral: it is not in the log, and moves no cursor
            self.on_event(event)
        elif event.previous > last:
            return False
        elif event.sequence > last:
            if event.WhichOneof("body"):  # others are of a later version
                self.on_event(event)
            self._keep(event.room, epoch, event.sequence)
        return True

    def _keep(self, room, epoch, sequence):
        self.cursors[room] = [epoch, sequence]
        if self.file:
            new = self.file.with_suffix(".new")
            new.write_text(json.dumps(self.cursors))
            new.replace(self.file)

    def _start(self, room):
        epoch, sequence = self.cursors.get(room, (None, 0))
        return pb.Subscription(room=room, after=epoch and Cursor(epoch=epoch, sequence=sequence))

    def _send_all(self):
        """Sends what send queues: one after the other, as calls in flight may be reordered."""
        channel = grpc.insecure_channel(self.address, CHANNEL_OPTIONS)
        while True:
            (request, future), pauses = self.sends.get(), back_off()
            while not future.done():
                token = self.token()
                try:
                    future.set_result(ChatRoomStub(channel).Send(request, CALL_TIMEOUT, metadata(token)))
                except grpc.RpcError as error:
                    limited = error.code() == CODE.RESOURCE_EXHAUSTED
                    refused = error.code() == CODE.UNAUTHENTICATED and token == self.token()
                    if error.code() in PERMANENT or refused or limited and not retry_after(error):
                        future.set_exception(error)
                        break
                    channel.close()  # it may be dead
                    channel = grpc.insecure_channel(self.address, CHANNEL_OPTIONS)
                    time.sleep(max(next(pauses), retry_after(error)))  # and again, with the same id


if __name__ == "__main__":
    def show(event):
        if event.HasField("message"):
            print(f"{event.sender.name}: {event.message.text}", flush=True)

    client = Client(sys.argv[1], [sys.argv[2]], show)
    for line in sys.stdin:
        client.send(sys.argv[2], line.rstrip("\n")).result()
    threading.Event().wait()  # until it is interrupted
