"""Talking to one Redis in bounded time, over as few connections as will do, which redis-py makes and reads.

For each command, redis-py's own client borrows a connection from a pool, asks the kernel whether it is clean, and
records metrics. Here a caller takes the connection and uses it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Final

from chanx.layers.breaker import CircuitBreaker
from chanx.layers.hosts import RedisHost
from chanx.layers.redis_line import Answers, Line
from chanx.utils.extras import need

LONGEST: Final = 0.5
"""Seconds that an exchange may take: what a dead Redis costs, once a second."""

CONNECTIONS: Final = 8
"""The most connections of a process to one Redis. One is all it takes while that Redis answers quickly."""

_PATIENCE: Final = 0.05
"""Seconds to wait for the connection that another thread is using, before taking one more."""

_LAST_PATIENCE: Final = 0.1
"""Seconds to wait when all are in use."""


class DeliveryFailed(Exception):
    """What an exchange has in place of an answer. The text is for operators and holds no credentials."""


class RedisShard:
    """One Redis of a layer, for one process. Thread-safe, also for greenlets."""

    def __init__(self, host: RedisHost) -> None:
        errors = need("redis.exceptions", extra="redis")
        # Listed, and not every exception: Celery raises its soft time limit in the middle of anything.
        self._trouble: tuple[type[Exception], ...] = (errors.RedisError, OSError)
        self._name = repr(host)
        self._lines = [Line(host) for _ in range(CONNECTIONS)]
        self._breaker = CircuitBreaker()

    def exchange(self, commands: Sequence[bytes]) -> Answers:
        """Send commands in one go and wait: an answer for each, in their order, or a ``DeliveryFailed`` in its place.

        Takes half a second at most; nothing at all for a second after a failure.
        """
        if not self._breaker.allows():
            return self._failed(commands, [], f"{self._name} has just failed, so it is left alone for a second")
        deadline = time.monotonic() + LONGEST
        line = self._free_line()
        if line is None:
            return self._failed(commands, [], f"{self._name}: all {CONNECTIONS} connections were busy")
        answers: Answers = []
        try:
            line.exchange(commands, answers, deadline)
        except self._trouble as error:
            self._breaker.failed()
            return self._failed(commands, answers, f"{self._name}: {type(error).__name__}: {error}")
        finally:
            line.lock.release()
        if line.is_open:
            self._breaker.succeeded()
            return answers
        # It refused a command: read-only after a fail-over, out of memory. A new connection may find another server.
        self._breaker.failed()
        return [self._refusal(a) if isinstance(a, Exception) else a for a in answers]

    def close(self) -> None:
        """Close the connections, once their present answers have come."""
        for line in self._lines:
            # Bounded, because a time limit may have struck just after a lock was taken, which then nobody releases.
            if line.lock.acquire(timeout=LONGEST):
                line.close()
                line.lock.release()

    def _free_line(self) -> Line | None:
        first, *others = self._lines
        if first.lock.acquire(blocking=False) or first.lock.acquire(timeout=_PATIENCE):
            return first
        for line in others:
            if line.lock.acquire(blocking=False):
                # First from now on, since the former may be one that a time limit left locked for ever.
                self._lines = [line, *(other for other in self._lines if other is not line)]
                return line
        line = self._lines[threading.get_ident() % CONNECTIONS]
        return line if line.lock.acquire(timeout=_LAST_PATIENCE) else None

    def _failed(self, commands: Sequence[bytes], answers: Answers, reason: str) -> Answers:
        missing = len(commands) - len(answers)
        return [self._refusal(a) if isinstance(a, Exception) else a for a in answers] + [
            DeliveryFailed(reason)
        ] * missing

    def _refusal(self, error: Exception) -> DeliveryFailed:
        return DeliveryFailed(f"{self._name}: {type(error).__name__}: {error}")
