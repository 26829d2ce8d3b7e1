"""What a Redis says of itself, for checks and diagnosis: over a connection of its own, in bounded time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from chanx.layers.hosts import RedisHost
from chanx.layers.redis_line import Answers, Line
from chanx.layers.redis_options import new_connection
from chanx.layers.wire import command
from chanx.utils.extras import need

SECONDS: Final = 1.0
"""How long connecting and each answer may take, by default."""

INFO: Final = command(b"INFO")


def ask(host: RedisHost, *commands: bytes, seconds: float = SECONDS) -> Answers:
    """The answer to each command; an exception of redis-py in place of one that the server refuses.

    Raises ``OSError``, with the server's name and no credentials, where it cannot be reached or asked.
    """
    errors = need("redis.exceptions", extra="redis")
    line = Line(host, timeout=seconds)
    answers: Answers = []
    try:
        line.exchange(list(commands), answers, time.monotonic() + seconds)
    except (errors.RedisError, OSError) as error:
        raise OSError(f"{place_of(host)}: {type(error).__name__}: {error}") from error
    finally:
        line.close()
    return answers


def info_of(answer: Any) -> Mapping[str, str]:
    """The fields of an INFO; empty where the server refused it."""
    if not isinstance(answer, (bytes, str)):
        return {}
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def place_of(host: RedisHost) -> str:
    """Where a server is: ``host:port``, the path of its socket, or who knows it; never with credentials."""
    if host.sentinels:
        return host.place
    connection: Any = new_connection(host)
    return str(getattr(connection, "path", None) or f"{connection.host}:{connection.port}")


def database_of(host: RedisHost) -> int:
    """The number of the database that a connection to it selects."""
    connection: Any = new_connection(host)
    return int(connection.db)
