"""A circuit breaker: after a failure, nobody tries for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

PATIENCE: Final = 0.5
"""Seconds for which timeouts alone do not open a breaker: a machine that is busy for a moment is not away."""

PAUSE: Final = 5.0
"""Seconds between timeouts after which they are no longer in a row."""


class CircuitBreaker:
    """Open for ``rest`` seconds after each failure; then one caller a ``rest`` may try, until one succeeds.

    A try that ``failed`` (refused, cut off) opens it at once. One that ``timed_out`` opens it only if tries have timed
    out for ``PATIENCE`` seconds, however many there were, with none that succeeded and no long ``PAUSE`` between.

    Thread-safe; not for use across a fork.
    """

    def __init__(self, *, rest: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._clock = clock
        self._open = False
        self._timeouts: tuple[float, float] | None = None  # the first and the last of those in a row
        self._next_try = 0.0
        # Reentrant, because a signal handler may publish too.
        self._lock = threading.RLock()

    @property
    def is_open(self) -> bool:
        """Whether the last try failed."""
        return self._open

    def allows(self) -> bool:
        """Whether to try now."""
        # Without the lock: when all is well, a message costs no more than this.
        if not self._open:
            return True
        with self._lock:
            now = self._clock()
            if now < self._next_try:
                return False
            self._next_try = now + self._rest
            return True

    def succeeded(self) -> None:
        """The try worked: everybody may go on."""
        if self._open or self._timeouts is not None:
            with self._lock:
                self._open = False
                self._timeouts = None

    def failed(self) -> None:
        """The try failed: rest from now."""
        with self._lock:
            self._next_try = self._clock() + self._rest
            self._open = True

    def timed_out(self) -> None:
        """The try took too long: rest from now, if that has been so for a while."""
        with self._lock:
            now = self._clock()
            first, last = self._timeouts or (now, now)
            if now - last > PAUSE:
                first = now
            self._timeouts = first, now
            if self._open or now - first >= PATIENCE:
                self.failed()
