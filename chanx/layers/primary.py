"""The server that is the primary, as Sentinel has it: asked whenever there is to be a new connection.

Line ─> each Sentinel in turn: SENTINEL GET-MASTER-ADDR-BY-NAME ─> that server: ROLE ─> a connection to the primary

This is the procedure that Redis documents for clients of Sentinel. redis-py has it, too, but its time limits count
anew for each Sentinel and each of its answers; here one bounds it all.
"""

from __future__ import annotations

import time
from typing import Any

from chanx.layers.hosts import RedisHost
from chanx.layers.redis_options import RedisConnection, bind, new_connection
from chanx.layers.wire import command
from chanx.utils.extras import need

_ROLE = command(b"ROLE")


class Primary:
    """Makes connections to a host that has Sentinels. For one caller at a time."""

    def __init__(self, host: RedisHost, *, timeout: float) -> None:
        errors = need("redis.exceptions", extra="redis")
        self._trouble: tuple[type[Exception], ...] = (errors.RedisError, OSError)
        self._unavailable: type[Exception] = errors.ConnectionError
        self._host = host
        self._timeout = timeout
        self._question = command(b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", host.master_name.encode())
        self._sentinels = list(host.sentinels)

    def connect(self, deadline: float) -> RedisConnection:
        """A connection to a server that has said that it is the primary; all its first answers come until ``deadline``.

        Raises redis-py's ``ConnectionError``, with what each of the Sentinels, and of the servers, had to say.
        """
        said: list[str] = []
        tried: set[tuple[str, int]] = set()
        for sentinel in tuple(self._sentinels):
            if time.monotonic() >= deadline:
                said.append("then the time was over")
                break
            place = self._told_by(sentinel, deadline, said)
            if place is None or place in tried:
                continue
            tried.add(place)
            try:
                return self._connection_to(place, deadline)
            except self._trouble as error:
                # It may be behind the times.
                self._ask_last(sentinel)
                said.append(f"the server {place[0]}:{place[1]}: {type(error).__name__}: {error}")
        raise self._unavailable(f"no primary of the name {self._host.master_name!r} is to be had: {'; '.join(said)}")

    def _told_by(self, sentinel: RedisHost, deadline: float, said: list[str]) -> tuple[str, int] | None:
        """Where the primary is; None, with the reason in ``said``, where this one does not tell."""
        # Half of the time, so that there is some for the next one, and for the primary.
        seconds = (deadline - time.monotonic()) / 2
        try:
            answer = _answer(sentinel, self._question, seconds)
        except self._trouble as error:
            self._ask_last(sentinel)
            said.append(f"the Sentinel {sentinel.place}: {type(error).__name__}: {error}")
            return None
        if answer is None:
            said.append(f"the Sentinel {sentinel.place} knows none: correct the name, or its `sentinel monitor`")
            return None
        host, port = answer
        return host.decode(), int(port)

    def _connection_to(self, place: tuple[str, int], deadline: float) -> RedisConnection:
        seconds = max(min(self._timeout, deadline - time.monotonic()), 0.001)
        connection = new_connection(self._host.at(*place), timeout=seconds)
        bind(connection, deadline)
        try:
            connection.send_packed_command((_ROLE,), check_health=False)
            role, *_ = connection.read_response()
            if role != b"master":
                raise self._unavailable("it is a replica now")
        except BaseException:
            connection.disconnect()
            raise
        return connection

    def _ask_last(self, sentinel: RedisHost) -> None:
        """From now on, so that one that is of no use does not take its time from all that comes."""
        self._sentinels.remove(sentinel)
        self._sentinels.append(sentinel)


def _answer(sentinel: RedisHost, question: bytes, seconds: float) -> Any:
    bound = max(seconds, 0.001)
    connection = new_connection(sentinel, timeout=bound)
    bind(connection, time.monotonic() + bound)
    try:
        connection.send_packed_command((question,), check_health=False)
        return connection.read_response()
    finally:
        connection.disconnect()
