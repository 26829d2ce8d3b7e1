"""The server that is the primary, as Sentinel has it.

Line ─> each Sentinel in turn: SENTINEL GET-MASTER-ADDR-BY-NAME ─> that server: ROLE ─> a connection to the primary

This is the procedure that Redis documents for clients of Sentinel. redis-py has it, too, but its time limits count
anew for each Sentinel and each of its answers; here one bounds it all. And a primary that was replaced by command takes
writes for ten seconds more, which are lost then: so a Sentinel is asked from time to time, too.
"""

from __future__ import annotations

import time
from typing import Any, Final

from chanx.layers.hosts import RedisHost
from chanx.layers.redis_options import RedisConnection, bind, new_connection, release
from chanx.layers.wire import command
from chanx.utils.extras import need

CHECK_SECONDS: Final = 1.0
"""How often a connection that is in use is checked."""

_ANSWER_SECONDS: Final = 0.1
"""How long a check may take."""

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
        self._asked: dict[RedisHost, RedisConnection] = {}
        self._place: tuple[str, int] | None = None
        self._checked_until = 0.0

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
            # Half of the time, so that there is some for the next one, and for the primary.
            place = self._told_by(sentinel, (deadline - time.monotonic()) / 2, said)
            if place is None or place in tried:
                continue
            tried.add(place)
            try:
                connection = self._connection_to(place, deadline)
            except self._trouble as error:
                # It may be behind the times.
                self._ask_last(sentinel)
                said.append(f"the server {place[0]}:{place[1]}: {type(error).__name__}: {error}")
            else:
                self._place, self._checked_until = place, time.monotonic() + CHECK_SECONDS
                return connection
        raise self._unavailable(f"no primary of the name {self._host.master_name!r} is to be had: {'; '.join(said)}")

    def is_current(self) -> bool:
        """Whether the newest connection leads to the primary, as far as is known: one Sentinel is asked, once a second.

        It is where that does not answer: the server itself does, and the next check asks another Sentinel.
        """
        now = time.monotonic()
        if now < self._checked_until:
            return True
        self._checked_until = now + CHECK_SECONDS
        return self._told_by(self._sentinels[0], _ANSWER_SECONDS, []) in (None, self._place)

    def close(self) -> None:
        """Closes the connections to Sentinels."""
        while self._asked:
            self._asked.popitem()[1].disconnect()

    def _told_by(self, sentinel: RedisHost, seconds: float, said: list[str]) -> tuple[str, int] | None:
        """Where the primary is; None, with the reason in ``said``, where this one does not tell."""
        try:
            answer = self._answer_of(sentinel, max(seconds, 0.001))
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
        connection: Any = new_connection(self._host.at(*place), timeout=self._timeout)
        seconds = max(deadline - time.monotonic(), 0.001)
        connection.socket_connect_timeout = min(connection.socket_connect_timeout, seconds)
        bind(connection, deadline)
        try:
            connection.send_packed_command((_ROLE,), check_health=False)
            role, *_ = connection.read_response()
            if role != b"master":
                raise self._unavailable("it is a replica now")
        except BaseException:
            connection.disconnect()
            raise
        opened: RedisConnection = connection
        return opened

    def _ask_last(self, sentinel: RedisHost) -> None:
        """From now on, so that one that is of no use does not take its time from all that comes."""
        self._sentinels.remove(sentinel)
        self._sentinels.append(sentinel)

    def _answer_of(self, sentinel: RedisHost, seconds: float) -> Any:
        connection = self._asked.pop(sentinel, None) or new_connection(sentinel, timeout=seconds)
        bind(connection, time.monotonic() + seconds)
        try:
            connection.send_packed_command((self._question,), check_health=False)
            answer = connection.read_response()
            release(connection)
        except BaseException:
            connection.disconnect()
            raise
        self._asked[sentinel] = connection
        return answer
