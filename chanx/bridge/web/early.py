"""The live events that come while a stream is not there yet."""

from __future__ import annotations

from collections import deque

from chanx.bridge.entry import LogEntry
from chanx.bridge.web.merge import HOLD, HOLD_BYTES, LatestEntry


class EarlyEvents:
    """The newest ones, each with its epoch: bounded as what a stream holds. What is beyond, the log and snapshot have.

    The newest, because they tell where the log ends.
    """

    def __init__(self) -> None:
        self._events: deque[tuple[LogEntry | LatestEntry, str]] = deque()
        self._size = 0

    def add(self, entry: LogEntry | LatestEntry, epoch: str) -> None:
        self._events.append((entry, epoch))
        self._size += len(entry.event)
        while len(self._events) > HOLD or (self._size > HOLD_BYTES and len(self._events) > 1):
            self._size -= len(self._events.popleft()[0].event)

    def take(self) -> list[tuple[LogEntry | LatestEntry, str]]:
        """All of them, in the order they came; then there are none."""
        taken = list(self._events)
        self._events.clear()
        self._size = 0
        return taken
