"""Which workers are dead, as far as one can tell who only sees their leases."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final

TTL: Final = 5.0
"""Seconds without a renewal after which a worker is dead. It renews once a second."""

MAX_GAP: Final = 4.0
"""Seconds between two looks beyond which the store may have been away without anybody noticing."""

GAP_COUNTS: Final = 1.0
"""Seconds that a longer time between two looks counts: who is always busy finds a dead worker too, if later."""


class LeaseWatch:
    """Compares what it is shown with what it saw before, by its own ``clock``.

    Nobody's clock is compared with another's. A worker cannot renew while the store is away, so only time counts in
    which the store was seen to answer: the time between looks that are more than ``MAX_GAP`` apart hardly does.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[str, tuple[int, float]] = {}  # worker -> number of its renewal, when it was first seen
        self._last_look = 0.0

    def dead(self, ask: Callable[[], Mapping[str, int]]) -> dict[str, int]:
        """Asks for the leases; the workers that were not renewed for a whole TTL, with their last renewal's number."""
        asked_at = self._clock()
        leases = ask()
        answered_at = self._clock()
        gap = asked_at - self._last_look
        if gap > MAX_GAP:
            self._seen = {worker: (number, since + gap - GAP_COUNTS) for worker, (number, since) in self._seen.items()}
        self._last_look = asked_at
        seen: dict[str, tuple[int, float]] = {}
        for worker, number in leases.items():
            known, since = self._seen.get(worker, (None, answered_at))
            seen[worker] = (number, since if known == number else answered_at)
        self._seen = seen
        return {worker: number for worker, (number, since) in seen.items() if asked_at - since >= TTL}

    def start_anew(self) -> None:
        """The store did not answer."""
        self._seen.clear()
