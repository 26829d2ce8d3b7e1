"""WebSocket clients in a process of their own that note when each event of ``timed_task`` arrives, at little cost.

``python -m tests.benchmarks.timed_clients PORT CLIENTS EVENTS`` prints "ready" once every client has heard a hello
(event 0; send them until then), reads one line from its input, the seconds that it may wait from then on, and at the
end prints an ``Arrivals`` as JSON.
"""

import asyncio
import base64
import gc
import json
import os
import re
import resource
import select
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from chanx.testing.tied_process import tied

_TIMED: Final = re.compile(rb'"number": ?(\d+), ?"at_us": ?(\d+)')
_HANDSHAKES_AT_A_TIME: Final = 50
_TEXT, _CLOSE, _PING = 1, 8, 9
_ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What all clients of a process have seen."""

    delivered: int
    """Events that arrived, those twice counted once."""
    lost: int
    repeated: int
    out_of_order: int
    """Events after which a client had already had a later one."""
    least: int
    """The highest number of the client that is furthest behind."""
    closed: int
    """Connections that the server has ended."""
    last_at: float
    """When the last event arrived, in seconds since the epoch."""
    cpu_seconds: float
    delays_ms: list[float]


class TimedClient(asyncio.Protocol):
    """A connection of one client, and what has arrived on it."""

    def __init__(self, events: int, is_ready: Callable[[], None], is_done: Callable[[], None]) -> None:
        self.delays_us = array("q")
        self.seen = bytearray(events + 1)
        self.highest = 0
        self.repeated = 0
        self.out_of_order = 0
        self.last_us = 0
        self.is_closed = False
        self.is_open = asyncio.Event()
        self._left = events
        self._is_ready: Callable[[], None] | None = is_ready
        self._is_done = is_done
        self._transport: asyncio.Transport | None = None
        self._buffer: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed = True

    def data_received(self, data: bytes) -> None:
        now = time.time_ns() // 1000
        data = self._buffer + data if self._buffer else data
        if not self.is_open.is_set():
            head, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = data
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self.is_open.set()
            data = rest
        start, size = 0, len(data)
        while size - start >= 2:
            length, body = data[start + 1], start + 2
            if length == 126:
                length, body = int.from_bytes(data[body : body + 2]), body + 2
            elif length == 127:
                length, body = int.from_bytes(data[body : body + 8]), body + 8
            end = body + length
            if size < end:
                break
            self._frame(data, data[start] & 15, body, end, now)
            start = end
        self._buffer = data[start:]

    def _frame(self, data: bytes, opcode: int, body: int, end: int, now: int) -> None:
        if opcode == _TEXT:
            found = _TIMED.search(data, body, end)
            if found is not None:
                self._event(int(found[1]), int(found[2]), now)
        elif opcode == _PING and self._transport is not None:
            # Masked by zeros, which leave the text as it is.
            self._transport.write(bytes((0x8A, 0x80 | (end - body))) + b"\0\0\0\0" + data[body:end])
        elif opcode == _CLOSE:
            self.is_closed = True

    def _event(self, number: int, sent_us: int, now: int) -> None:
        if number == 0:
            if self._is_ready is not None:
                self._is_ready()
                self._is_ready = None
            return
        if self.seen[number]:
            self.repeated += 1
            return
        self.seen[number] = 1
        self.delays_us.append(now - sent_us)
        self.last_us = now
        if number > self.highest:
            self.highest = number
        else:
            self.out_of_order += 1
        self._left -= 1
        if self._left == 0:
            self._is_done()


class Clients:
    """The process of some clients, for whoever runs it."""

    def __init__(self, port: int, clients: int, events: int) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.timed_clients", str(port), str(clients), str(events)]
        self._process = subprocess.Popen(
            tied(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )
        self._is_ready = False

    def __enter__(self) -> "Clients":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def is_ready(self, *, within: float) -> bool:
        """Whether each client is in its group, or will be within so many seconds."""
        assert self._process.stdout is not None
        if not self._is_ready and select.select([self._process.stdout], [], [], within)[0]:
            self._line("ready")
            self._is_ready = True
        return self._is_ready

    def start_waiting(self, seconds: float) -> None:
        """From now on they wait for the events, that long at most."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()

    def arrivals(self) -> Arrivals:
        """What has arrived once everything has, or the time was over."""
        return Arrivals(**json.loads(self._line("{")))

    def _line(self, start: str) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith(start), f"The clients said {line!r}"
        return line


async def run(port: int, count: int, events: int) -> Arrivals:
    """Connect, wait and sum up."""
    loop = asyncio.get_running_loop()
    not_ready, not_done = count, count
    ready, done = asyncio.Event(), asyncio.Event()

    def is_ready() -> None:
        nonlocal not_ready
        not_ready -= 1
        if not not_ready:
            ready.set()

    def is_done() -> None:
        nonlocal not_done
        not_done -= 1
        if not not_done:
            done.set()

    clients = [TimedClient(events, is_ready, is_done) for _ in range(count)]
    places = asyncio.Semaphore(_HANDSHAKES_AT_A_TIME)

    async def connect(client: TimedClient) -> None:
        async with places:
            await loop.create_connection(lambda: client, "127.0.0.1", port)
            await client.is_open.wait()

    async with asyncio.timeout(60):
        await asyncio.gather(*map(connect, clients))
        await ready.wait()
    # What a collection takes would look like the server's.
    gc.collect()
    gc.disable()
    print("ready", flush=True)
    used = cpu_seconds()
    seconds = float(await asyncio.to_thread(sys.stdin.readline))
    try:
        async with asyncio.timeout(seconds):
            await done.wait()
    except TimeoutError:
        pass
    return summed_up(clients, events, cpu_seconds() - used)


def summed_up(clients: list[TimedClient], events: int, cpu: float) -> Arrivals:
    delivered = sum(len(client.delays_us) for client in clients)
    return Arrivals(
        delivered=delivered,
        lost=events * len(clients) - delivered,
        repeated=sum(client.repeated for client in clients),
        out_of_order=sum(client.out_of_order for client in clients),
        least=min(client.highest for client in clients),
        closed=sum(client.is_closed for client in clients),
        last_at=max(client.last_us for client in clients) / 1e6,
        cpu_seconds=cpu,
        delays_ms=[delay / 1000 for client in clients for delay in client.delays_us],
    )


def cpu_seconds() -> float:
    """What this process has had of the processor."""
    used: Any = resource.getrusage(resource.RUSAGE_SELF)
    return float(used.ru_utime + used.ru_stime)


if __name__ == "__main__":
    port, clients, events = map(int, sys.argv[1:])
    print(json.dumps(asdict(asyncio.run(run(port, clients, events)))), flush=True)
