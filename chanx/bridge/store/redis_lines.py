"""Scripts that are called for every event, on connections without redis-py's client in between.

That client takes longer over a call than the server does: a pool to borrow from, retries, metrics.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from chanx.layers.hosts import RedisHost
from chanx.layers.redis_line import Answers, Line
from chanx.layers.wire import command
from chanx.utils.extras import need


class Lines:
    """Connections of one process, as many as have been in use at once. Thread-safe: a caller has one to itself.

    ``timeout`` (seconds) bounds connecting and each answer.
    """

    def __init__(self, host: RedisHost, *, timeout: float) -> None:
        self._refusal: type[Exception] = need("redis.exceptions", extra="bridge").ResponseError
        self._host = host
        self._timeout = timeout
        self._idle: deque[Line] = deque()

    def ask(self, request: bytes) -> Any:
        """The server's answer to one command, which has to be one that may be repeated. Raises redis-py's errors."""
        try:
            line = self._idle.pop()
        except IndexError:
            line = Line(self._host, timeout=self._timeout)
        answers: Answers = []
        try:
            line.exchange([request], answers, time.monotonic() + 2 * self._timeout)
        finally:
            self._idle.append(line)
        (answer,) = answers
        if isinstance(answer, self._refusal):
            raise answer
        return answer

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        while self._idle:
            self._idle.pop().close()


class LineScript:
    """A Lua script on :class:`Lines`. Calling it twice with the same arguments has to be as good as once."""

    def __init__(self, lines: Lines, text: str) -> None:
        self._not_loaded: type[Exception] = need("redis.exceptions", extra="bridge").NoScriptError
        self._lines = lines
        self._text = text.encode()
        self._digest = hashlib.sha1(self._text, usedforsecurity=False).hexdigest().encode()

    def __call__(self, *, keys: Sequence[str], args: Iterable[str | int]) -> Any:
        parts = [b"%d" % len(keys), *[str(part).encode() for part in (*keys, *args)]]
        try:
            return self._lines.ask(command(b"EVALSHA", self._digest, *parts))
        except self._not_loaded:
            return self._lines.ask(command(b"EVAL", self._text, *parts))
