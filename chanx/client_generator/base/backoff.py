"""How long to wait before the next attempt: longer each time, and short again after it went well for a while."""

from __future__ import annotations

import random
from asyncio import AbstractEventLoop

FIRST_DELAY = 0.5
LONGEST_DELAY = 15.0
STABLE_AFTER = 5.0


class Backoff:
    """In seconds of the loop's clock."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._attempts = 0
        self._since: float | None = None

    def worked(self) -> None:
        """It works now."""
        if self._since is None:
            self._since = self._loop.time()

    def next(self) -> float:
        """It failed: how long to wait."""
        if self._since is not None and self._loop.time() - self._since >= STABLE_AFTER:
            self._attempts = 0
        self._since = None
        longest: float = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(self._attempts, 10))
        self._attempts += 1
        # Half of it by chance, so that the clients of a restarted server do not all come back in the same moment.
        return longest / 2 + random.random() * longest / 2
