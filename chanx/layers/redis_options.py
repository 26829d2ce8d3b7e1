"""What redis-py is given for a connection to a Redis, and how it is kept within our time limits."""

from __future__ import annotations

import time
from typing import Any, Final, Protocol

from chanx.layers.hosts import CONNECTION_OPTIONS, RedisHost
from chanx.utils.extras import need

TIMEOUT: Final = 0.25
"""Seconds for each of connecting, sending and an answer. A host's own timeouts may only shorten it: theirs are made for
consumers, which can wait."""


class RedisConnection(Protocol):
    """What is used of redis-py's connection."""

    def send_packed_command(self, command: tuple[bytes], check_health: bool = True) -> None: ...

    def read_response(self) -> Any: ...

    def disconnect(self) -> None: ...


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
    return _identity(one) == _identity(other)


def _identity(host: RedisHost) -> object:
    ignored = {"db", "client_name", "socket_keepalive", "socket_timeout", "socket_connect_timeout"}
    connection_class, known = _options(host)
    if host.sentinels:
        ignored |= {"host", "port"}
    elif "path" not in known:
        known = {"host": "localhost", "port": 6379} | known
    # Who watches over a primary, in whatever order, and not how it is asked.
    sentinels = {(options.get("host"), options.get("port")) for _, options in map(_options, host.sentinels)}
    return connection_class, {n: v for n, v in known.items() if n not in ignored}, host.master_name, sentinels


def _options(host: RedisHost) -> tuple[Any, dict[str, Any]]:
    """redis-py's class for a connection to ``host``, and what it is made with."""
    redis = need("redis.connection", extra="redis")
    options: dict[str, Any] = dict(host.options)
    if host.address is not None:
        options |= redis.parse_url(host.address)
    default = redis.SSLConnection if options.pop("ssl", False) else redis.Connection
    connection_class = options.pop("connection_class", default)
    known = {n: v for n, v in options.items() if n in CONNECTION_OPTIONS or n == "path" or n.startswith("ssl_")}
    return connection_class, known


def bind(connection: Any, deadline: float) -> None:
    """Have all the answers that connecting takes (AUTH, SELECT, ...), and those to the first commands, end in time."""
    read = connection.read_response

    def read_in_time(*args: Any, **kwargs: Any) -> Any:
        left = max(deadline - time.monotonic(), 0.001)
        connection._sock.settimeout(min(left, connection.socket_timeout))
        return read(*args, **kwargs)

    connection.read_response = read_in_time


def release(connection: Any) -> None:
    """Take the bound of ``bind`` off again."""
    if "read_response" in vars(connection):
        del connection.read_response
        connection._sock.settimeout(connection.socket_timeout)
