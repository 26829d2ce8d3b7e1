"""WebSocket clients that cost as little as they can: all in one thread, without an event loop, they count frames."""

import base64
import os
import selectors
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

AT_ONCE = 50
"""Connections that are being opened at a time: a server's backlog may hold no more."""
_SECONDS = 60
_TEXT, _CLOSE, _PING = 1, 8, 9
_FIN_TEXT = 0x80 | _TEXT


@dataclass(slots=True, eq=False)
class FrameClient:
    """One connection: how many text frames it has had, and the last one as it came."""

    socket: socket.socket
    frames: int = 0
    last: bytes = b""
    is_open: bool = False
    _buffer: bytes = b""

    def take(self, data: bytes) -> int:
        """Read what has come; returns how many text frames ended in it."""
        if not self._buffer and data[0] == _FIN_TEXT and data[1] + 2 == len(data) and data[1] < 126:
            self.last = data[2:]
            self.frames += 1
            return 1
        self._buffer += data
        if not self.is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return 0
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(f"The server refused: {head[:200]!r}")
            self.is_open, self._buffer = True, rest
        before = self.frames
        while (frame := _frame(self._buffer)) is not None:
            opcode, body, end = frame
            text, self._buffer = self._buffer[body:end], self._buffer[end:]
            if opcode == _TEXT:
                self.frames += 1
                self.last = text
            elif opcode == _PING:
                self.socket.sendall(bytes([0x8A, 0x80 | len(text)]) + b"\0\0\0\0" + text)
            elif opcode == _CLOSE:
                raise ConnectionError(f"The server closed a connection: {text!r}")
        return self.frames - before


@dataclass(slots=True)
class FrameClients:
    """Any number of connections to one server on this machine.

    ``deflate`` offers permessage-deflate, as browsers do; ``last`` of a client is then the compressed bytes.
    """

    port: int
    deflate: bool = False
    clients: list[FrameClient] = field(default_factory=list[FrameClient])
    frames: int = 0
    """The text frames that all of them together have had."""
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector, repr=False)

    def open(self, count: int, hello: str | None = None) -> None:
        """Open ``count`` more connections; with ``hello`` each of them sends that and waits for one frame in answer."""
        while count > 0:
            some = [self._connect() for _ in range(min(count, AT_ONCE))]
            self.clients += some
            count -= len(some)
            self._read_while(partial(_any_closed, some))
            if hello is not None:
                for client in some:
                    client.socket.sendall(_client_frame(hello))
                self.receive_until(self.frames + len(some))

    def receive_until(self, frames: int) -> float:
        """Read until there were so many frames in all; returns when that was, by ``time.perf_counter()``."""
        self._read_while(lambda: self.frames < frames)
        return time.perf_counter()

    def close(self) -> None:
        """Close the sockets without a word."""
        for client in self.clients:
            client.socket.close()
        self.clients.clear()
        self._selector.close()

    def _connect(self) -> FrameClient:
        client = FrameClient(socket.create_connection(("127.0.0.1", self.port), timeout=30))
        key = base64.b64encode(os.urandom(16)).decode()
        offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" if self.deflate else ""
        client.socket.sendall(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{offer}\r\n".encode()
        )
        self._selector.register(client.socket, selectors.EVENT_READ, client)
        return client

    def _read_while(self, is_missing: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _SECONDS
        while is_missing():
            ready = self._selector.select(1)
            for key, _ in ready:
                client: FrameClient = key.data
                data = client.socket.recv(65536)
                if not data:
                    raise ConnectionError("The server ended a connection")
                self.frames += client.take(data)
            if not ready and time.monotonic() > deadline:
                raise TimeoutError(f"{self.frames} frames came, and then none for {_SECONDS} seconds")
            if ready:
                deadline = time.monotonic() + _SECONDS


def _any_closed(clients: list[FrameClient]) -> bool:
    return not all(client.is_open for client in clients)


def _frame(data: bytes) -> tuple[int, int, int] | None:
    """The opcode of the first frame, where its body begins and where it ends; None while it is not complete."""
    if len(data) < 2:
        return None
    body = 2 + {126: 2, 127: 8}.get(data[1], 0)
    end = body + (data[1] if body == 2 else int.from_bytes(data[2:body]))
    return (data[0] & 15, body, end) if len(data) >= max(body, end) else None


def _client_frame(text: str) -> bytes:
    body = text.encode()
    length = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + struct.pack(">H", len(body))
    return b"\x81" + length + b"\0\0\0\0" + body
