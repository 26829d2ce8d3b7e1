"""The real stack of the example in a directory of its own: server, worker and site as separate processes.

browser <─> Daphne (example_site) <─> Redis-protocol server <─> Celery worker (example_worker)
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from chanx.testing.redis_server import redis_server
from chanx.testing.tied_process import tied
from tests.waiting import wait_until

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
MAX_UPLOAD_MB = 40
_START_SECONDS = 90.0
_STOP_SECONDS = 15.0


@dataclass(slots=True)
class Program:
    """A process with its log; ``start`` returns once ``ready`` matches a line that was logged since."""

    command: list[str]
    ready: str
    environment: dict[str, str]
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Returns what the first group of ``ready`` matched, if it has one."""
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                tied(self.command), env=self.environment, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )

        def found() -> re.Match[str] | None:
            said = self.log.read_bytes()[before:].decode("utf-8", "replace")
            assert process.poll() is None, f"{self.command} ended:\n{said[-4000:]}"
            return re.search(self.ready, said)

        return wait_until(found, seconds=_START_SECONDS, what=self.ready).group(1)

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(slots=True)
class Stack:
    """The running example. ``url`` is the site's, without a slash at the end."""

    directory: Path
    environment: dict[str, str]
    port: str = "0"
    site: Program = field(init=False)
    worker: Program = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/jobs/"

    def start_worker(self) -> None:
        # Besides the example's own tasks it knows one that raises, which the example has no use for.
        options = ["worker", "-c", "2", "-l", "INFO", "-I", "tests.acceptance.broken_task"]
        command = [sys.executable, "-m", "celery", "-A", "example_worker", *options]
        self.worker = Program(command, r"(\S+) ready\.", self.environment, self.directory / "worker.log")
        self.worker.start()

    def start_site(self) -> None:
        """On a free port the first time, on the same one afterwards."""
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", self.port, "example_site.asgi:application"]
        self.site = Program(
            command, r"Listening on TCP address 127\.0\.0\.1:(\d+)", self.environment, self.directory / "site.log"
        )
        self.port = self.site.start()

    def run(self, *arguments: str) -> str:
        """What ``python ARGUMENTS`` prints in the stack's environment."""
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def start_broken_job(self, owner: str) -> str:
        """The id of a new job whose task raises."""
        return json.loads(self.run("-m", "tests.acceptance.broken_task", owner))


@contextmanager
def running_stack(directory: Path) -> Iterator[Stack]:
    """The whole example with its two demo users, until the block ends."""
    with redis_server(private=True) as server:
        environment = {
            **os.environ,
            "CHANX_REDIS_URL": server.url,
            "DJANGO_SETTINGS_MODULE": "example_site.settings",
            "EXAMPLE_DATA_DIR": str(directory / "data"),
            "EXAMPLE_UPLOAD_DIR": str(directory / "data" / "uploads"),
            "EXAMPLE_MAX_UPLOAD_MB": str(MAX_UPLOAD_MB),
            "PYTHONUNBUFFERED": "1",
        }
        stack = Stack(directory, environment)
        stack.run("-m", "example_site", "migrate", "--verbosity", "0")
        stack.run("-m", "example_site", "create_demo_users")
        try:
            stack.start_worker()
            stack.start_site()
            yield stack
        finally:
            for name in ("site", "worker"):
                if hasattr(stack, name):
                    getattr(stack, name).stop()
