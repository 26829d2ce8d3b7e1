"""A server of the job stream protocol, and a network that loses, repeats and breaks off: both as ``random`` has it."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.unit.client_generator.base.fakes import FakeNetwork, FakeSocket, Frame, snapshot

CREDIT = 500
ENDS = {"job_succeeded": "succeeded", "job_failed": "failed", "job_cancelled": "cancelled"}


class Stream:
    """What one connection has of the job."""

    def __init__(self, at: int) -> None:
        self.at = self.acked = at


class JobServer:
    """Has the job ``a``: ``all`` events of this epoch, of which those before ``oldest`` are gone.

    ``trouble``: how likely a frame is lost, repeated, or the last one of its connection.
    """

    def __init__(self, random: Random | None = None) -> None:
        self.network = FakeNetwork(self._hear)
        self.trouble = 0.0
        self.all: list[Frame] = []
        self.oldest = 1
        self.epoch = 1
        self.rev = 0
        self.progress: Any = None
        self.reported: list[float] = []
        self.refusals: list[Any] = []
        self._random = random or Random(0)
        self._streams: dict[FakeSocket, Stream] = {}

    @property
    def head(self) -> int:
        return len(self.all)

    def append(self, action: str = "job_log", payload: Any = None, **more: Any) -> None:
        """An event; without a payload it says where it belongs."""
        payload = payload or {"id": f"{self.epoch}/{self.head + 1}"}
        self.all.append({"seq": self.head + 1, "action": action, "attempt": 1, "payload": payload, **more})
        self.pump()

    def report(self, fraction: float) -> None:
        self.rev += 1
        self.progress = {"fraction": fraction}
        self.reported.append(fraction)
        for socket in list(self._streams):
            self.say(socket, {"action": "job_progress", "head": self.head, "rev": self.rev, "payload": self.progress})

    def trim(self, count: int) -> None:
        self.oldest = min(self.oldest + count, self.head + 1)

    def rewind(self, count: int) -> None:
        """The newest events are lost, as when a store comes back from an old disk."""
        del self.all[max(self.head - count, self.oldest - 1) :]
        self.epoch += 1
        for socket in list(self._streams):
            self._open(socket, self.oldest - 1, is_recovered=False)
        self.pump()

    def drop_all(self) -> None:
        for socket in list(self._streams):
            self._drop(socket)

    def pump(self) -> None:
        """Sends what may be sent."""
        for socket, stream in list(self._streams.items()):
            while self._streams.get(socket) is stream and stream.at < min(self.head, stream.acked + CREDIT):
                if stream.at < self.oldest - 1:
                    self._open(socket, self.oldest - 1, is_recovered=False)
                    stream = self._streams.get(socket, stream)
                else:
                    stream.at += 1
                    self.say(socket, self.all[stream.at - 1])

    def say(self, socket: FakeSocket, frame: Frame) -> None:
        chance = self._random.random()
        if socket.is_closed or chance < self.trouble / 3:
            return
        if chance < self.trouble / 2:
            self._drop(socket)
            return
        for _ in range(2 if chance < self.trouble else 1):
            socket.say({"version": 1, "topic": "job:a", **frame})

    @property
    def state(self) -> str:
        return ENDS.get(self.all[-1]["action"], "started") if self.all else "started"

    @property
    def snapshot(self) -> dict[str, Any]:
        fields = {} if self.progress is None else {"job_progress": self.progress}
        if self.state == "succeeded":
            fields.update(self.all[-1]["payload"])
        if self.state == "failed":
            fields.update(error=self.all[-1]["payload"]["error"])
        known = {"epoch": str(self.epoch), "seq": self.head, "oldest": self.oldest, "rev": self.rev}
        return snapshot(state=self.state, fields=fields, **known)

    def _hear(self, socket: FakeSocket, frame: Frame) -> None:
        ref, payload = frame.get("ref"), frame.get("payload") or {}
        if frame["action"] == "unsubscribe":
            self._streams.pop(socket, None)
            self.say(socket, {"ref": ref, "action": "unsubscribed", "payload": None})
        elif frame["action"] == "ack":
            stream = self._streams.get(socket)
            if stream is not None:
                stream.acked = max(stream.acked, min(payload["seq"], stream.at))
        elif frame["action"] == "cancel":
            self.say(socket, {"ref": ref, "action": "job_cancel_accepted", "payload": {"state": self.state}})
        else:
            self._subscribe(socket, ref, payload)
        self.pump()

    def _subscribe(self, socket: FakeSocket, ref: Any, payload: Any) -> None:
        self._streams.pop(socket, None)
        if self.refusals:
            self.say(socket, {"ref": ref, "action": "error", "payload": self.refusals.pop(0)})
        elif self._random.random() < self.trouble:
            self.say(socket, {"ref": ref, "action": "error", "payload": {"reason": "failed"}})
        else:
            after, is_same = payload.get("after", 0), payload.get("epoch") == str(self.epoch)
            is_recovered = (after == 0 or is_same) and self.oldest - 1 <= after <= self.head
            self._open(socket, after if is_recovered else self.oldest - 1, is_recovered=is_recovered, ref=ref)

    def _open(self, socket: FakeSocket, at: int, **answer: Any) -> None:
        self._streams[socket] = Stream(at)
        payload = {"epoch": str(self.epoch), "seq": self.head, "snapshot": self.snapshot}
        payload["recovered"] = answer.pop("is_recovered")
        self.say(socket, {"action": "subscribed", "payload": payload, **answer})

    def _drop(self, socket: FakeSocket) -> None:
        self._streams.pop(socket, None)
        if not socket.is_closed:
            socket.drop()
