"""Publishing to one Redis in bounded time, over a few connections that redis-py makes and reads.

For each command, redis-py's own client borrows a connection from a pool, asks the kernel whether it is clean, and
records metrics. Here a caller takes a free connection and uses it.
"""

from __future__ import annotations

import threading
from typing import Any, Final, Protocol

from chanx.layers.breaker import CircuitBreaker
from chanx.layers.hosts import CONNECTION_OPTIONS, RedisHost
from chanx.layers.publisher import DeliveryFailed
from chanx.layers.wire import publish_command
from chanx.utils.extras import need

TIMEOUT: Final = 0.25
"""Seconds for connecting, and for an answer. A publish waits for one of each at most, so half a second is what a dead
Redis costs, once a second. A host's own timeouts may only shorten it: theirs are made for consumers, which can wait."""

CONNECTIONS: Final = 8
"""The most connections of a process to one Redis. One thread uses one."""


class RedisConnection(Protocol):
    """What is used of redis-py's connection."""

    def send_packed_command(self, command: tuple[bytes], check_health: bool = True) -> None: ...

    def read_response(self) -> Any: ...

    def disconnect(self) -> None: ...


class RedisShard:
    """One Redis of a layer, for one process. Thread-safe, also for greenlets."""

    def __init__(self, host: RedisHost) -> None:
        errors = need("redis.exceptions", extra="redis")
        # Listed, and not every exception: Celery raises its soft time limit in the middle of anything.
        self._trouble: tuple[type[Exception], ...] = (errors.RedisError, OSError)
        self._name = repr(host)
        self._lines = [_Line(host, errors.ConnectionError) for _ in range(CONNECTIONS)]
        self._breaker = CircuitBreaker()

    def publish(self, channel: bytes, body: bytes) -> None:
        """PUBLISH and wait for the answer. Raises ``DeliveryFailed``, within about half a second if Redis is silent."""
        if not self._breaker.allows():
            raise DeliveryFailed(f"{self._name} has just failed, so it is left alone for a second")
        line = self._free_line()
        try:
            line.exchange(publish_command(channel, body))
        except self._trouble as error:
            self._breaker.failed()
            raise DeliveryFailed(f"{self._name}: {type(error).__name__}: {error}") from error
        finally:
            line.lock.release()
        self._breaker.succeeded()

    def close(self) -> None:
        """Close the connections, once their present answers have come."""
        for line in self._lines:
            # Bounded, because a time limit may have struck just after a lock was taken, which then nobody releases.
            if line.lock.acquire(timeout=TIMEOUT):
                line.close()
                line.lock.release()

    def _free_line(self) -> _Line:
        # The first free one, so that a single thread keeps a single connection.
        for line in self._lines:
            if line.lock.acquire(blocking=False):
                return line
        line = self._lines[threading.get_ident() % CONNECTIONS]
        if not line.lock.acquire(timeout=TIMEOUT):
            raise DeliveryFailed(f"{self._name}: all {CONNECTIONS} connections were busy for {TIMEOUT} s")
        return line


class _Line:
    """A connection and the lock that whoever uses it holds."""

    def __init__(self, host: RedisHost, connection_error: type[Exception]) -> None:
        self.lock = threading.Lock()
        self._host = host
        self._connection_error = connection_error
        self._connection: RedisConnection | None = None

    def exchange(self, command: bytes) -> None:
        """Send ``command`` and read its answer; once more, on a new connection, if the server closed the old one."""
        is_new = self._connection is None
        try:
            self._try(command)
        except self._connection_error:
            # Not after a timeout: that server is there but slow, and would only take the same time again.
            if is_new:
                raise
            self._try(command)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()

    def _try(self, command: bytes) -> None:
        connection = self._connection
        if connection is None:
            connection = self._connection = new_connection(self._host)
        try:
            connection.send_packed_command((command,), check_health=False)
            connection.read_response()
        except BaseException:
            # Whatever it was, a time limit too: an answer may still be on its way, so nobody else may use it.
            self.close()
            raise


def new_connection(host: RedisHost) -> RedisConnection:
    """A connection of redis-py for ``host``, with our bounds; it connects when it is first used."""
    redis = need("redis.connection", extra="redis")
    options: dict[str, Any] = dict(host.options)
    if host.address is not None:
        options |= redis.parse_url(host.address)
    connection_class = options.pop("connection_class", redis.Connection)
    known = {n: v for n, v in options.items() if n in CONNECTION_OPTIONS or n == "path" or n.startswith("ssl_")}
    for name in ("socket_timeout", "socket_connect_timeout"):
        known[name] = min(known.get(name) or TIMEOUT, TIMEOUT)
    # RESP2: a publisher reads no pushes, and it saves a round trip at connecting.
    connection: RedisConnection = connection_class(**known, protocol=2)
    return connection
