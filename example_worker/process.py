"""Runs a program and hands over the lines it prints as they come, without threads; none of it outlives its end."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Literal, NamedTuple, Self

from example_worker.line_splitter import LineSplitter

StreamName = Literal["stdout", "stderr"]

CHUNK = 4_096
GRACE_SECONDS = 0.5

# The program sees no more of the worker's environment than this: the addresses of servers are not its business.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


class Line(NamedTuple):
    stream: StreamName
    text: str


class RunningProgram:
    """A program in a process group of its own, reading nothing. Leaving the ``with`` block ends the whole group.

    The lines of one stream keep their order; those of the two streams come in the order in which they are noticed,
    since two pipes carry no common order. Raises OSError where the program cannot be started.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"PYTHONIOENCODING": "utf-8"},
        )
        self._selector = selectors.DefaultSelector()
        self._splitters: dict[StreamName, LineSplitter] = {"stdout": LineSplitter(), "stderr": LineSplitter()}
        for stream, name in ((self._process.stdout, "stdout"), (self._process.stderr, "stderr")):
            if stream is not None:
                self._selector.register(stream, selectors.EVENT_READ, name)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs or something it printed is still to be read; below zero: the signal that ended it."""
        return None if self._selector.get_map() else self._process.poll()

    def read(self, timeout: float) -> list[Line]:
        """The lines that are there, waiting at most ``timeout`` seconds for output or for the end."""
        if not self._selector.get_map():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
            return []
        ready = self._selector.select(timeout)
        if not ready and self._process.poll() is not None:
            # It has ended, but something it started still holds the pipes: wait for that no longer.
            return [line for key in list(self._selector.get_map().values()) for line in self._finish(key)]
        return [line for key, _ in ready for line in self._read(key)]

    def _read(self, key: selectors.SelectorKey) -> list[Line]:
        data = os.read(key.fd, CHUNK)
        if not data:
            return self._finish(key)
        name: StreamName = key.data
        return [Line(name, text) for text in self._splitters[name].feed(data)]

    def _finish(self, key: selectors.SelectorKey) -> list[Line]:
        stream: IO[bytes] = self._selector.unregister(key.fileobj).fileobj  # type: ignore[assignment]  # as registered
        stream.close()
        name: StreamName = key.data
        return [Line(name, text) for text in self._splitters[name].close()]

    def close(self) -> None:
        """End the group: politely, then after ``GRACE_SECONDS`` not. Returns when the program is gone."""
        if self._process.poll() is None:
            self._signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_SECONDS)
        # Always: what the program started may have outlived it.
        self._signal(signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
        self._selector.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):  # macOS refuses where only a zombie is left
            os.killpg(self._process.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
