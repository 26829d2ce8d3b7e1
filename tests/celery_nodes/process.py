"""A process that looks like docker's ``Container``, as far as pytest-celery's containers and nodes look at one."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from chanx.testing.redis_server import EmbeddedRedisServer
from chanx.testing.tied_process import tied

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 15


class NodeProcess:
    """``argv`` in a process group of its own; its output goes to ``<directory>/<name>.log``."""

    def __init__(
        self, name: str, argv: Sequence[str], *, directory: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.id = uuid4().hex
        self.name = name
        self._argv = argv
        self._environment = {**os.environ, **(environment or {})}
        self._log = directory / f"{name}.log"
        self.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def status(self) -> str:
        return "running" if self._process.poll() is None else "exited"

    def start(self) -> None:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                tied(self._argv),
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def reload(self) -> None:
        self._process.poll()

    def logs(self) -> bytes:
        return self._log.read_bytes()

    def kill(self, how: str | int | None = None) -> None:
        """Sends a signal (SIGKILL without one) to the process; SIGKILL takes its children along, as in a container."""
        wanted = signal.Signals[how] if isinstance(how, str) else signal.Signals(how or signal.SIGKILL)
        if wanted is not signal.SIGKILL:
            self._process.send_signal(wanted)
            return
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def wait(self, timeout: float = STOP_SECONDS) -> int:
        return self._process.wait(timeout)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        self.kill()

    def restart(self, timeout: float = STOP_SECONDS) -> None:
        self.stop(timeout)
        self.start()


class RedisProcess:
    """The same of an embedded Redis-protocol server."""

    def __init__(self, server: EmbeddedRedisServer) -> None:
        self.id = uuid4().hex
        self.name = "redis"
        self.server = server

    @property
    def status(self) -> str:
        return "exited" if self.server.pid is None else "running"

    def reload(self) -> None:
        """There is nothing to read anew."""

    def logs(self) -> bytes:
        return b""

    def kill(self, how: str | int | None = None) -> None:
        if how in (None, "SIGKILL", signal.SIGKILL):
            self.server.kill()
        else:
            self.server.stop()

    def restart(self, timeout: float = STOP_SECONDS) -> None:
        self.server.stop()
        self.server.start()
