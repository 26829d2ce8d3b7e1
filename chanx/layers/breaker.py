"""A circuit breaker: after a failure, nobody tries for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Open for ``rest`` seconds after each failure; then one caller a ``rest`` may try, until one succeeds.

    Thread-safe; not for use across a fork.
    """

    def __init__(self, *, rest: float = 1.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._rest = rest
        self._clock = clock
        self._open = False
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
        if self._open:
            with self._lock:
                self._open = False

    def failed(self) -> None:
        """The try failed: rest from now."""
        with self._lock:
            self._next_try = self._clock() + self._rest
            self._open = True
