"""A site of ``connections_app`` on a real server, and clients of it that cost little and can leave in every way."""

import asyncio
import base64
import json
import os
import struct
from collections.abc import Callable, Iterable
from http.client import HTTPConnection
from socket import SO_LINGER, SOL_SOCKET
from typing import Any

from redis import Redis

from tests.benchmarks.job_sites import Site
from tests.waiting import wait_until

AT_ONCE = 50
"""Connections that are being opened at a time: as many as Daphne's backlog has room for."""

_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
_CLOSE = b"\x88\x82\0\0\0\0\x03\xe8"
_RESET = struct.pack("ii", 1, 0)


class Visitor(asyncio.Protocol):
    """A WebSocket client that counts the frames it gets.

    ``is_lost`` is set once the connection is gone. ``code`` is what the server closed it with; None if it did not.
    """

    def __init__(self, path: str, *, deflate: bool = False) -> None:
        self.frames = 0
        self.code: int | None = None
        self.is_lost = asyncio.Event()
        self._path = path
        self._deflate = deflate
        self._is_open = False
        self._has_left = False
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._awaited: tuple[int, asyncio.Future[None]] | None = None

    async def heard(self, frames: int) -> None:
        """Wait until there were so many frames."""
        if self.frames < frames:
            future = asyncio.get_running_loop().create_future()
            self._awaited = (frames, future)
            await future

    def close(self) -> None:
        """Leave as a browser does that goes to another page."""
        assert self._transport is not None
        self._has_left = True
        self._transport.write(_CLOSE)

    def reset(self) -> None:
        """Leave without a word: the server gets an RST."""
        assert self._transport is not None
        self._transport.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, _RESET)
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{_DEFLATE if self._deflate else ''}\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost.set()
        if self._awaited is not None and not self._awaited[1].done():
            self._awaited[1].set_exception(ConnectionResetError(f"lost after {self.frames} frames: {exc}"))

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._buffer += data
        if not self._is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self._transport.abort()
                return
            assert (b"permessage-deflate" in head) is self._deflate, head
            self._is_open, self._buffer = True, rest
        while len(self._buffer) >= 2:
            opcode, length = self._buffer[0] & 15, self._buffer[1]
            assert length < 126, "no frame of these sites is as long"
            if len(self._buffer) < 2 + length:
                return
            content, self._buffer = self._buffer[2 : 2 + length], self._buffer[2 + length :]
            self._take(opcode, content)

    def _take(self, opcode: int, content: bytes) -> None:
        assert self._transport is not None
        if opcode == 1:
            if not (self.frames or self._deflate or b'"ready"' in content):
                return  # an error, which the server closes the connection with
            self.frames += 1
            if self._awaited is not None and self.frames >= self._awaited[0] and not self._awaited[1].done():
                self._awaited[1].set_result(None)
        elif opcode == 8:
            self.code = int.from_bytes(content[:2])
            if not self._has_left:
                self.close()
        elif opcode == 9:
            self._transport.write(bytes([0x8A, 0x80 | len(content)]) + b"\0\0\0\0" + content)


async def visitors(site: Site, path: str, many: int, *, deflate: bool = False, may_fail: bool = False) -> list[Visitor]:
    """So many, all of them in their groups; with ``may_fail`` those that were not refused."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one() -> Visitor:
        async with free:
            loop = asyncio.get_running_loop()
            _, visitor = await loop.create_connection(lambda: Visitor(path, deflate=deflate), "127.0.0.1", site.port)
            await visitor.heard(1)
            return visitor

    found = await asyncio.gather(*(one() for _ in range(many)), return_exceptions=may_fail)
    return [visitor for visitor in found if isinstance(visitor, Visitor)]


async def closed(leaving: Iterable[Visitor]) -> None:
    """All of them have said goodbye, and the server has hung up."""
    leaving = list(leaving)
    for visitor in leaving:
        visitor.close()
    await asyncio.gather(*(visitor.is_lost.wait() for visitor in leaving))


async def come_and_gone(site: Site, path: str, cycles: int, *, at_once: int = AT_ONCE, may_fail: bool = False) -> int:
    """So many connections, each opened and closed again; how many of them were not refused."""
    done = 0
    for start in range(0, cycles, at_once):
        present = await visitors(site, path, min(at_once, cycles - start), may_fail=may_fail)
        await closed(present)
        done += len(present)
    return done


def asked(site: Site, path: str) -> Any:
    """What the site answers over HTTP."""
    connection = HTTPConnection("127.0.0.1", site.port, timeout=60)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        return json.loads(response.read())
    finally:
        connection.close()


def on_redis(url: str) -> dict[str, int]:
    """What is in a server that only one site uses: keys, members of groups, and channels with subscribers."""
    client: Any = Redis  # whose types are unknown in part
    with client.from_url(url) as redis:
        groups = list(redis.scan_iter("chanx:group:*"))
        subscribed = {name: many for name, many in redis.pubsub_numsub(*redis.pubsub_channels("*")) if many}
        return {
            "keys": redis.dbsize(),
            "group members": sum(redis.zcard(group) for group in groups),
            "subscribed": sum(subscribed.values()),
            "subscribed groups": sum(b"__group__" in name for name in subscribed),
        }


def counts(site: Site) -> dict[str, int]:
    """Everything that a connection could leave behind, in the process and in Redis."""
    return {**asked(site, "/inside"), **on_redis(site.redis_url)}


def waited_for(site: Site, expected: Callable[[dict[str, int]], bool], *, seconds: float = 60.0) -> dict[str, int]:
    """The counts, as soon as they are as expected; fails after a deadline and says what they are."""
    last: dict[str, int] = {}

    def found() -> bool:
        last.clear()
        last.update(counts(site))
        return expected(last)

    wait_until(found, seconds=seconds, what=lambda: str(last))
    return last
