"""One connection to a Redis, which redis-py makes and reads, and which is made anew when it breaks.

For each command, redis-py's own client borrows a connection from a pool, asks the kernel whether it is clean, and
records metrics. Here the caller has the connection to itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeAlias

from chanx.layers.hosts import CONNECTION_OPTIONS, RedisHost
from chanx.utils.extras import need

TIMEOUT: Final = 0.25
"""Seconds for each of connecting, sending and an answer. A host's own timeouts may only shorten it: theirs are made for
consumers, which can wait."""

Answers: TypeAlias = "list[Any]"
"""What a server said to each command; an exception of redis-py for an error."""


class RedisConnection(Protocol):
    """What is used of redis-py's connection."""

    def send_packed_command(self, command: tuple[bytes], check_health: bool = True) -> None: ...

    def read_response(self) -> Any: ...

    def disconnect(self) -> None: ...


class Line:
    """A connection, and what to do when it breaks. For one caller at a time."""

    def __init__(self, host: RedisHost, *, timeout: float = TIMEOUT) -> None:
        errors = need("redis.exceptions", extra="redis")
        self._refusal: type[Exception] = errors.ResponseError
        self._broken: type[Exception] = errors.ConnectionError
        self._timeout: type[Exception] = errors.TimeoutError
        self._host = host
        self._bound = timeout
        self._connection: RedisConnection | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; after an exchange, whether the server refused nothing."""
        return self._connection is not None

    def exchange(self, commands: Sequence[bytes], answers: Answers, deadline: float, *, again: bool = True) -> None:
        """Send ``commands`` and read into ``answers``, until ``deadline`` (of the monotonic clock).

        What the server had not answered when it closed the connection is sent once more on a new one, unless it is not
        to be sent ``again``. Raises redis-py's errors.
        """
        was_open = self.is_open
        try:
            self._try(commands, answers, deadline)
        except self._broken:
            # Not after a timeout: that server is there but slow, and would only take the same time again.
            if not was_open or not again:
                raise
            self._try(commands[len(answers) :], answers, deadline)

    def close(self) -> None:
        """Close the connection; the next exchange makes a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def _try(self, commands: Sequence[bytes], answers: Answers, deadline: float) -> None:
        connection = self._connection
        if connection is None:
            connection = self._connection = new_connection(self._host, timeout=self._bound)
            _bind(connection, deadline)
        refused = False
        try:
            connection.send_packed_command((b"".join(commands),), check_health=False)
            for _ in commands:
                if answers and time.monotonic() > deadline:
                    raise self._timeout("the answers came too slowly")
                try:
                    answers.append(connection.read_response())
                except self._refusal as error:
                    refused = True
                    answers.append(error)
            _release(connection)
        except BaseException:
            # Whatever it was, a time limit too: an answer may still be on its way, so nobody else may use it.
            self.close()
            raise
        if refused:
            self.close()


def new_connection(host: RedisHost, *, timeout: float = TIMEOUT) -> RedisConnection:
    """A connection of redis-py for ``host``, with our bounds; it connects when it is first used."""
    connection_class, known = _options(host)
    for name in ("socket_timeout", "socket_connect_timeout"):
        known[name] = min(known.get(name) or timeout, timeout)
    # RESP2: a publisher reads no pushes, and it saves a round trip at connecting.
    connection: RedisConnection = connection_class(**known, protocol=2)
    return connection


def are_one_server(one: RedisHost, other: RedisHost) -> bool:
    """Whether both certainly lead to one server, with the same rights: only the database and times may differ."""
    ignored = {"db", "client_name", "socket_keepalive", "socket_timeout", "socket_connect_timeout"}
    both: list[tuple[object, dict[str, Any]]] = []
    for host in (one, other):
        connection_class, known = _options(host)
        place = {} if "path" in known else {"host": "localhost", "port": 6379}
        both.append((connection_class, place | {n: v for n, v in known.items() if n not in ignored}))
    return both[0] == both[1]


def _options(host: RedisHost) -> tuple[Any, dict[str, Any]]:
    """redis-py's class for a connection to ``host``, and what it is made with."""
    redis = need("redis.connection", extra="redis")
    options: dict[str, Any] = dict(host.options)
    if host.address is not None:
        options |= redis.parse_url(host.address)
    connection_class = options.pop("connection_class", redis.Connection)
    known = {n: v for n, v in options.items() if n in CONNECTION_OPTIONS or n == "path" or n.startswith("ssl_")}
    return connection_class, known


def _bind(connection: Any, deadline: float) -> None:
    """Have all the answers that connecting takes (AUTH, SELECT, ...), and those to the first commands, end in time."""
    read = connection.read_response

    def read_in_time(*args: Any, **kwargs: Any) -> Any:
        left = max(deadline - time.monotonic(), 0.001)
        connection._sock.settimeout(min(left, connection.socket_timeout))
        return read(*args, **kwargs)

    connection.read_response = read_in_time


def _release(connection: Any) -> None:
    if "read_response" in vars(connection):
        del connection.read_response
        connection._sock.settimeout(connection.socket_timeout)
