"""One connection to a Redis, which redis-py makes and reads, and which is made anew when it breaks.

For each command, redis-py's own client borrows a connection from a pool, asks the kernel whether it is clean, and
records metrics. Here the caller has the connection to itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, TypeAlias

from chanx.layers.hosts import RedisHost
from chanx.layers.primary import Primary
from chanx.layers.redis_options import TIMEOUT, RedisConnection, bind, new_connection, release
from chanx.utils.extras import need

Answers: TypeAlias = "list[Any]"
"""What a server said to each command; an exception of redis-py for an error."""


class Line:
    """A connection, and what to do when it breaks. For one caller at a time.

    Where the host has Sentinels, it leads to whichever server they had as the primary when it was made. With ``checks``
    they are asked again while it is in use: who stores something wants it to be there later, and who publishes does so
    where subscribers are, which stay for as long as they can.
    """

    def __init__(self, host: RedisHost, *, timeout: float = TIMEOUT, checks: bool = False) -> None:
        errors = need("redis.exceptions", extra="redis")
        self._refusal: type[Exception] = errors.ResponseError
        self._broken: type[Exception] = errors.ConnectionError
        self._timeout: type[Exception] = errors.TimeoutError
        self._host = host
        self._bound = timeout
        self._primary = Primary(host, timeout=timeout) if host.sentinels else None
        self._checks = checks
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
        # What is not to be sent again belongs to the connection of before.
        if self._primary is not None and self._checks and again and self.is_open and not self._primary.is_current():
            self.close()
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
        if self._primary is not None:
            self._primary.close()

    def _try(self, commands: Sequence[bytes], answers: Answers, deadline: float) -> None:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._new_connection(deadline)
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
            release(connection)
        except BaseException:
            # Whatever it was, a time limit too: an answer may still be on its way, so nobody else may use it.
            self.close()
            raise
        if refused:
            self.close()

    def _new_connection(self, deadline: float) -> RedisConnection:
        if self._primary is not None:
            return self._primary.connect(deadline)
        connection = new_connection(self._host, timeout=self._bound)
        bind(connection, deadline)
        return connection
