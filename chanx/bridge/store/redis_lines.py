"""Commands and scripts on connections without redis-py's client in between.

That client takes longer over a call than the server does: a pool to borrow from, retries, metrics.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from chanx.layers.hosts import RedisHost
from chanx.layers.redis_line import Answers, Line
from chanx.layers.wire import arguments, command
from chanx.utils.extras import need

_ABOUT_SERVER = command(b"INFO", b"server")


@dataclass(frozen=True, slots=True)
class Arguments:
    """The RESP form of a script's keys and the first of its arguments: ``size`` parts."""

    parts: bytes
    size: int

    @classmethod
    def of(cls, keys: Sequence[str], args: Iterable[str | bytes | float]) -> Arguments:
        parts = [b"%d" % len(keys), *_encoded(keys), *_encoded(args)]
        return cls(arguments(parts), len(parts))


class LineScript:
    """A Lua script. Calling it twice with the same arguments has to be as good as once.

    It has the constant SERVER: eight characters that tell one life of a server from any other. Thus a server does not
    know the script by the digest that it has on another: whoever calls it there by mistake is told so.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._on = lru_cache(maxsize=4)(self._for_server)

    def __call__(self, keys: Sequence[str], args: Iterable[str | bytes | float] = ()) -> Request:
        """A call of it."""
        return self.call(Arguments.of(keys, args), ())

    def call(self, first: Arguments, others: Sequence[bytes]) -> Request:
        """A call of it, the first arguments of which are encoded already."""
        return Request(first.parts + arguments(others), first.size + 2 + len(others), self)

    def by_digest(self, server: str) -> bytes:
        return self._on(server)[0]

    def by_text(self, server: str) -> bytes:
        return self._on(server)[1]

    def _for_server(self, server: str) -> tuple[bytes, bytes]:
        text = f"local SERVER = '{server}'\n{self._text}".encode()
        digest = hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()
        return arguments([b"EVALSHA", digest]), arguments([b"EVAL", text])


@dataclass(frozen=True, slots=True)
class Request:
    """The RESP form of a command's ``size`` parts; where it calls a script, those after the script's own two."""

    parts: bytes
    size: int
    script: LineScript | None = None


def request(*parts: str | bytes | float) -> Request:
    """A plain command."""
    return Request(arguments(_encoded(parts)), len(parts))


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
        self._server = ""
        self._known: frozenset[LineScript | None] = frozenset()

    def ask(self, requests: Sequence[Request]) -> Answers:
        """The server's answers, in one round trip. Each request may be sent again, where an answer was lost.

        Raises redis-py's errors, that of the first request that was refused.
        """
        try:
            line = self._idle.pop()
        except IndexError:
            line = Line(self._host, timeout=self._timeout, checks=True)
        try:
            return self._ask(line, requests)
        finally:
            self._idle.append(line)

    def close(self) -> None:
        """Close the connections that nobody uses now."""
        while self._idle:
            self._idle.pop().close()

    def _ask(self, line: Line, requests: Sequence[Request]) -> Answers:
        known, server = self._known, self._server
        deadline = time.monotonic() + 2 * self._timeout
        answers: Answers = []
        if known.issuperset([each.script for each in requests]):
            line.exchange([_by_digest(each, server) for each in requests], answers, deadline)
        else:
            answers = self._introduce(line, requests, deadline)
        missing = [place for place, answer in enumerate(answers) if isinstance(answer, self._not_loaded)]
        if missing:
            # It is another server now, or has forgotten scripts.
            again = self._introduce(line, [requests[place] for place in missing], deadline)
            for place, answer in zip(missing, again, strict=True):
                answers[place] = answer
        for answer in answers:
            if isinstance(answer, self._refusal):
                raise answer
        return answers

    def _introduce(self, line: Line, requests: Sequence[Request], deadline: float) -> Answers:
        """Asks the server who it is, and has it know the scripts under that name, on one and the same connection."""
        about: Answers = []
        line.exchange([_ABOUT_SERVER], about, deadline)
        (info,) = about
        if isinstance(info, self._refusal):
            raise info
        found = re.search(rb"run_id:(\w{8})", info)
        server = found[1].decode() if found else "00000000"
        called: set[LineScript | None] = {None}
        commands: list[bytes] = []
        for each in requests:
            commands.append(_by_digest(each, server) if each.script in called else _by_text(each, server))
            called.add(each.script)
        answers: Answers = []
        line.exchange(commands, answers, deadline, again=False)
        self._known = self._known | called if server == self._server else frozenset(called)
        self._server = server
        return answers


def _by_digest(asked: Request, server: str) -> bytes:
    head = asked.script.by_digest(server) if asked.script else b""
    return b"*%d\r\n%b%b" % (asked.size, head, asked.parts)


def _by_text(asked: Request, server: str) -> bytes:
    head = asked.script.by_text(server) if asked.script else b""
    return b"*%d\r\n%b%b" % (asked.size, head, asked.parts)


def _encoded(parts: Iterable[str | bytes | float]) -> list[bytes]:
    return [part if isinstance(part, bytes) else str(part).encode() for part in parts]
