"""A server that does what a test says, in virtual time: doubles of websockets' connections, and of job snapshots."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from websockets.asyncio.client import ClientConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from tests.virtual_loop import VirtualTimeLoop

T = TypeVar("T")
Frame = dict[str, Any]


class FakeSocket:
    """One connection as the client sees it; ``say`` and ``drop`` are the server's."""

    def __init__(self, heard: Callable[[FakeSocket, Frame], None] = lambda socket, frame: None) -> None:
        self.frames: list[Frame] = []
        self.is_closed = False
        self.is_stuck = False
        self._heard = heard
        self._said: asyncio.Queue[str | None] = asyncio.Queue()
        self._closing: Close | None = None

    # What the client does

    async def send(self, text: str) -> None:
        if self.is_closed:
            raise ConnectionClosedError(self._closing, None)
        if self.is_stuck:
            await asyncio.Event().wait()
        self.frames.append(json.loads(text))
        self._heard(self, self.frames[-1])

    async def recv(self) -> str:
        if self._said.empty() and self.is_closed:
            raise ConnectionClosedError(self._closing, None)
        text = await self._said.get()
        if text is None:
            raise ConnectionClosedError(self._closing, None)
        return text

    async def close(self) -> None:
        self.is_closed = True

    # What the server does

    def say(self, frame: Frame | str) -> None:
        self._said.put_nowait(frame if isinstance(frame, str) else json.dumps(frame))

    def drop(self, code: int | None = None, reason: str = "") -> None:
        self._closing = None if code is None else Close(code, reason)
        self.is_closed = True
        self._said.put_nowait(None)

    def sent(self, action: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["action"] == action]

    def answer(self, frame: Frame, action: str, payload: Any = None) -> None:
        self.say({"version": 1, "topic": frame["topic"], "ref": frame["ref"], "action": action, "payload": payload})


class FakeNetwork:
    """Opens connections; ``refusals`` are what the next attempts meet instead."""

    def __init__(self, heard: Callable[[FakeSocket, Frame], None] = lambda socket, frame: None) -> None:
        self.sockets: list[FakeSocket] = []
        self.refusals: list[Exception] = []
        self.attempts: list[float] = []
        self._heard = heard

    async def open(self) -> ClientConnection:
        self.attempts.append(asyncio.get_running_loop().time())
        if self.refusals:
            raise self.refusals.pop(0)
        self.sockets.append(FakeSocket(self._heard))
        return self.sockets[-1]  # type: ignore[return-value]  # a double

    @property
    def last(self) -> FakeSocket:
        return self.sockets[-1]


def status(code: int) -> InvalidStatus:
    return InvalidStatus(Response(code, "", Headers()))


def run(doing: Coroutine[Any, Any, T]) -> T:
    """Runs a test in virtual time, and sees to it that nothing is left running."""

    async def checked() -> T:
        try:
            return await doing
        finally:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, left

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(checked())


async def settled() -> None:
    """Everything has happened that waits for no time to pass."""
    await asyncio.sleep(1e-6)


def snapshot(**more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "job_id": "a",
        "owner": "user:1",
        "name": "task",
        "meta": {},
        "created_at": "2026-01-01T00:00:00Z",
    }
    known |= {"state": "started", "attempt": 1, "cancel_requested": False, "cancel_reason": None, "fields": {}}
    return {**known, "epoch": "e1", "seq": 0, "oldest": 1, "rev": 0, **more}
