"""What the benchmarks of the job stream share: a site of its own on a real server, a filled job, light clients."""

import asyncio
import base64
import json
import os
import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from socket import create_connection, create_server

from chanx.bridge.entry import NewEntry
from chanx.bridge.names import new_job_id
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.base import Retention
from chanx.bridge.store.redis import RedisJobStore
from chanx.testing.tied_process import tied
from tests.waiting import wait_until

SERVERS = {
    "Daphne": ["daphne", "-b", "127.0.0.1", "-p"],
    "uvicorn": ["uvicorn", "--host", "127.0.0.1", "--lifespan", "off", "--log-level", "warning", "--port"],
}
_SEQ = re.compile(rb'"seq":(\d+)')
_ACK_EVERY = 100


def servers() -> list[str]:
    """The servers that are installed."""
    return [name for name, command in SERVERS.items() if find_spec(command[0])]


@dataclass(slots=True)
class Site:
    """One server process with an application (``module:name``); started again on the same port.

    ``options`` go to the server's command line, ``environment`` over its environment.
    """

    server: str
    application: str
    redis_url: str
    port: int = 0
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        if not self.port:
            with closing(create_server(("127.0.0.1", 0))) as probe:
                self.port = probe.getsockname()[1]
        environment = {**os.environ, "CHANX_REDIS_URL": self.redis_url, "CHANX_PREFIX": "chanx"}
        environment |= {"DJANGO_SETTINGS_MODULE": "tests.settings", **self.environment}
        self._process = subprocess.Popen(
            tied([sys.executable, "-m", *SERVERS[self.server], str(self.port), *self.options, self.application]),
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers, seconds=30, what=self.server)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    def cpu_seconds(self) -> float:
        """The processor time that the process has had so far, all of its threads together (Linux)."""
        return time.clock_gettime((~self.pid << 3) | 2)  # what clock_getcpuclockid(3) makes of a pid

    def peak_megabytes(self) -> float:
        """The most memory that the process has had so far."""
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        return int(kilobytes) / 1024

    def _answers(self) -> bool:
        with suppress(OSError):
            create_connection(("127.0.0.1", self.port), 1).close()
            return True
        return False


@contextmanager
def running(
    server: str,
    application: str,
    redis_url: str,
    *,
    options: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Generator[Site]:
    site = Site(server, application, redis_url, options=options, environment=environment or {})
    site.start()
    try:
        yield site
    finally:
        site.kill()


@dataclass(slots=True)
class FilledJob:
    """A job of user 1 whose events are about as large as a log line's."""

    store: RedisJobStore
    job_id: str
    events: int = 0

    @property
    def topic(self) -> str:
        return f"job:{self.job_id}"

    def add(self, events: int) -> None:
        for n in range(self.events + 1, self.events + events + 1):
            payload = {"level": "info", "message": f"Line {n} of the file was read, and nothing is wrong with it."}
            origin = {"job_id": self.job_id, "task_id": "t1", "attempt": 1, "run_id": "r1", "time": "2026-01-01T00:00Z"}
            event = json.dumps({"action": "job_log", "payload": payload, **origin}, separators=(",", ":"))
            self.store.append(NewEntry(self.job_id, "job_log", event, "r1", n))
        self.events += events


def filled_job(redis_url: str, events: int) -> FilledJob:
    store = RedisJobStore(redis_url, prefix="chanx", retention=Retention(max_entries=50_000), timeout=5)
    record = JobRecord(job_id=new_job_id(), owner="user:1", name="t", task_id="t1", created_at=datetime.now(UTC))
    store.create(record)
    job = FilledJob(store, record.job_id)
    job.add(events)
    return job


class Watcher(asyncio.Protocol):
    """A WebSocket client that costs little: it finds the seq in each frame, checks that it is the next, and acks.

    ``on_frame`` gets every other frame's text. ``caught_up`` is set once it has ``until``.
    """

    def __init__(self, topic: str, *, after: int = 0, epoch: str | None = None) -> None:
        self.topic = topic
        self.seq = after
        self.epoch = epoch
        self.until = 0
        self.caught_up = asyncio.Event()
        self.is_open = asyncio.Event()
        self.on_frame: Callable[[bytes], None] = lambda text: None
        self._transport: asyncio.Transport | None = None
        self._buffer = b""

    @classmethod
    async def connected(cls, site: Site, topic: str, *, after: int = 0, epoch: str | None = None) -> "Watcher":
        _, watcher = await asyncio.get_running_loop().create_connection(
            lambda: cls(topic, after=after, epoch=epoch), "127.0.0.1", site.port
        )
        await watcher.is_open.wait()
        return watcher

    def subscribe(self, *, until: int) -> None:
        self.until = until
        self.caught_up.clear()
        position = {"after": self.seq, "epoch": self.epoch}
        self.send({"topic": self.topic, "action": "subscribe", "payload": position})

    def send(self, frame: object) -> None:
        text = json.dumps(frame).encode()
        length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + struct.pack(">H", len(text))
        if self._transport is not None:
            self._transport.write(b"\x81" + length + b"\0\0\0\0" + text)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            "GET /ws/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.caught_up.is_set():
            print(f"A connection was lost at {self.seq}: {exc}", file=sys.stderr)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.is_open.is_set():
            head, found, self._buffer = self._buffer.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self.is_open.set()
        start, size = 0, len(self._buffer)
        while size - start >= 4:
            opcode, length, body = self._buffer[start] & 15, self._buffer[start + 1], start + 2
            if length == 126:
                length, body = int.from_bytes(self._buffer[body : body + 2]), body + 2
            elif length == 127:
                length, body = int.from_bytes(self._buffer[body : body + 8]), body + 8
            if size < body + length:
                break
            if opcode == 1:
                self._take(self._buffer[body : body + length])
            elif opcode == 9 and self._transport is not None:
                self._transport.write(bytes([0x8A, 0x80 | length]) + b"\0\0\0\0" + self._buffer[body : body + length])
            start = body + length
        self._buffer = self._buffer[start:]

    def _take(self, text: bytes) -> None:
        found = _SEQ.search(text, 0, 120)
        if found is None or b'"subscribed"' in text[:120]:
            if b'"subscribed"' in text[:200]:
                self.epoch = json.loads(text)["payload"]["epoch"]
                if self.seq >= self.until:
                    self.caught_up.set()
            self.on_frame(text)
            return
        seq = int(found[1])
        assert seq == self.seq + 1, f"{seq} after {self.seq}"
        self.seq = seq
        if seq % _ACK_EVERY == 0:
            self.send({"topic": self.topic, "action": "ack", "payload": {"seq": seq}})
        if seq >= self.until:
            self.caught_up.set()
