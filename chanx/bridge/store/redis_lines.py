"""Commands and scripts on connections without redis-py's client in between.

That client takes longer over a call than the server does: a pool to borrow from, retries, metrics.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chanx.layers.hosts import RedisHost
from chanx.layers.redis_line import Answers, Line
from chanx.layers.wire import command
from chanx.utils.extras import need


@dataclass(frozen=True, slots=True)
class Request:
    """The RESP bytes of a command, and of the command that loads the script it calls, if it calls one."""

    text: bytes
    load: bytes | None = None


def request(*parts: str | bytes | int | float) -> Request:
    """A plain command."""
    return Request(command(*_encoded(parts)))


class LineScript:
    """A Lua script. Calling it twice with the same arguments has to be as good as once."""

    def __init__(self, text: str) -> None:
        source = text.encode()
        self._load = command(b"SCRIPT", b"LOAD", source)
        self._digest = hashlib.sha1(source, usedforsecurity=False).hexdigest().encode()

    def __call__(self, keys: Sequence[str], args: Iterable[str | bytes | int | float] = ()) -> Request:
        """A call of it."""
        parts = _encoded((*keys, *args))
        return Request(command(b"EVALSHA", self._digest, b"%d" % len(keys), *parts), self._load)


class Lines:
    """Connections of one process, as many as have been in use at once. Thread-safe: a caller has one to itself.

    ``timeout`` (seconds) bounds connecting and each answer.
    """

    def __init__(self, host: RedisHost, *, timeout: float) -> None:
        errors = need("redis.exceptions", extra="bridge")
        self._refusal: type[Exception] = errors.ResponseError
        self._not_loaded: type[Exception] = errors.NoScriptError
        self._host = host
        self._timeout = timeout
        self._idle: deque[Line] = deque()
        self._loaded: set[bytes] = set()

    def ask(self, requests: Sequence[Request]) -> Answers:
        """The server's answers, in one round trip. Each request may be sent again, where an answer was lost.

        Raises redis-py's errors, that of the first request that was refused.
        """
        if not requests:
            return []
        # Scripts are loaded before their first call: one that was missing would be called after what follows it.
        loads = [load for load in dict.fromkeys(each.load for each in requests) if load and load not in self._loaded]
        answers = self._exchange([*loads, *(each.text for each in requests)])[len(loads) :]
        self._loaded.update(loads)
        missing = [place for place, answer in enumerate(answers) if isinstance(answer, self._not_loaded)]
        for place in missing:
            # The server has forgotten it, or is another one now.
            load, text = requests[place].load, requests[place].text
            answers[place] = self._exchange([load, text] if load else [text])[-1]
        for answer in answers:
            if isinstance(answer, self._refusal):
                raise answer
        return answers

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        while self._idle:
            self._idle.pop().close()

    def _exchange(self, commands: Sequence[bytes]) -> Answers:
        try:
            line = self._idle.pop()
        except IndexError:
            line = Line(self._host, timeout=self._timeout)
        answers: Answers = []
        try:
            line.exchange(commands, answers, time.monotonic() + 2 * self._timeout)
        finally:
            self._idle.append(line)
        return answers


def _encoded(parts: Iterable[str | bytes | int | float]) -> list[bytes]:
    return [part if isinstance(part, bytes) else str(part).encode() for part in parts]
