"""Runs a program and hands over what it prints as it comes, without threads; none of it outlives its end."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
from codecs import IncrementalDecoder, getincrementaldecoder
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Literal, NamedTuple, Self

StreamName = Literal["stdout", "stderr"]

CHUNK = 65_536
GRACE_SECONDS = 0.5

# The program sees no more of the worker's environment than this: the addresses of servers are not its business.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


class Output(NamedTuple):
    """A piece of a stream's text, as long as it came. Bytes that are no UTF-8 are U+FFFD."""

    stream: StreamName
    text: str


class RunningProgram:
    """A program in a process group of its own, reading nothing. Leaving the ``with`` block ends the whole group.

    What comes on one stream keeps its order; the pieces of the two streams come in the order in which they are noticed,
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
        self._decoders: dict[StreamName, IncrementalDecoder] = {"stdout": _decoder(), "stderr": _decoder()}
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

    def read(self, timeout: float) -> list[Output]:
        """What there is, waiting at most ``timeout`` seconds for output or for the end."""
        if not self._selector.get_map():
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
            return []
        ready = self._selector.select(timeout)
        if not ready and self._process.poll() is not None:
            # It has ended, but something it started still holds the pipes: wait for that no longer.
            return [output for key in list(self._selector.get_map().values()) for output in self._finish(key)]
        return [output for key, _ in ready for output in self._read(key)]

    def _read(self, key: selectors.SelectorKey) -> list[Output]:
        data = os.read(key.fd, CHUNK)
        if not data:
            return self._finish(key)
        return self._decoded(key.data, data)

    def _finish(self, key: selectors.SelectorKey) -> list[Output]:
        stream: IO[bytes] = self._selector.unregister(key.fileobj).fileobj  # type: ignore[assignment]  # as registered
        stream.close()
        return self._decoded(key.data, b"")

    def _decoded(self, name: StreamName, data: bytes) -> list[Output]:
        text = self._decoders[name].decode(data, final=not data)
        return [Output(name, text)] if text else []

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


def _decoder() -> IncrementalDecoder:
    return getincrementaldecoder("utf-8")(errors="replace")
