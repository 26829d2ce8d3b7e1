"""A browser of the fault suite: it watches one job over real sockets, comes back when it loses one, and keeps count."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, WebSocketException

ACK_EVERY = 100
ANSWER_SECONDS = 8.0
RETRY_SECONDS = 0.2
TERMINAL = {"job_succeeded", "job_failed", "job_cancelled"}


@dataclass(slots=True)
class WatchingClient:
    """``view`` has what it shows: the number and the identity of each event. It tries the ``urls`` in turn.

    ``read_delay`` seconds it takes over each event; every ``reconnect_every`` seconds it drops its connection.
    """

    urls: Sequence[str]
    topic: str
    read_delay: float = 0.0
    reconnect_every: float | None = None
    view: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    epoch: str | None = None
    terminal: str = ""
    duplicates: int = 0
    gaps: int = 0
    resets: int = 0
    connections: int = 0

    async def watch(self) -> None:
        """Until it has seen the end of the job."""
        while not self.terminal:
            url = self.urls[self.connections % len(self.urls)]
            self.connections += 1
            with suppress(OSError, TimeoutError, WebSocketException, InvalidHandshake):
                async with (
                    asyncio.timeout(self.reconnect_every),
                    connect(url, open_timeout=3, close_timeout=0.1) as socket,
                ):
                    await self._follow(socket)
            if not self.terminal:
                await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, socket: ClientConnection) -> None:
        after = self.view[-1][0] if self.view else 0
        position = {"epoch": self.epoch, "after": after} if self.epoch else None
        await socket.send(json.dumps({"topic": self.topic, "ref": "1", "action": "subscribe", "payload": position}))
        async with asyncio.timeout(ANSWER_SECONDS):
            first = json.loads(await socket.recv())
        if first["action"] != "subscribed":
            return  # the store is away just now
        self._subscribed(first["payload"])
        while not self.terminal:
            frame = json.loads(await socket.recv())
            if frame["action"] == "subscribed":
                self._subscribed(frame["payload"])
            elif "seq" in frame:
                await self._event(socket, frame)

    def _subscribed(self, payload: dict[str, Any]) -> None:
        self.epoch = payload["epoch"]
        if not payload["recovered"]:
            self.resets += 1
            self.view.clear()

    async def _event(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        seq = frame["seq"]
        last = self.view[-1][0] if self.view else seq - 1
        if seq <= last:
            self.duplicates += 1
            return
        if seq > last + 1:
            self.gaps += 1
        self.view.append((seq, identity(frame)))
        if frame["action"] in TERMINAL:
            self.terminal = frame["action"]
        if self.read_delay:
            await asyncio.sleep(self.read_delay)
        if seq % ACK_EVERY == 0:
            await socket.send(json.dumps({"topic": self.topic, "action": "ack", "payload": {"seq": seq}}))


def identity(event: dict[str, Any]) -> str:
    """What tells an event from any other of its job."""
    return f"{event['action']} {json.dumps(event['payload'])} {event['run_id']} {event['time']}"
