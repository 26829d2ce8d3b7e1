"""Whether the events of a run come in the order in which they were told, and what to do where they do not.

told:  1 2 3 4     came:  1 3 2 4  ─> 3 says that it comes after 2: 2 first, if it is at hand or comes within 2 s
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.transports.event_bus.bus import BusMessage
from chanx.bridge.transports.event_bus.calls import Call
from chanx.bridge.transports.event_bus.newest import Newest

PATIENCE: Final = 2.0
"""Seconds that a queue waits for an event that is missing, on a worker's line that sends it again, say."""


class RunOrder:
    """Of what one reader of a queue has done; it knows nothing of what others did before. Not thread-safe."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done: Newest[int] = Newest()  # the newest n of each run
        self._missing: tuple[str, int] | None = None
        self._since = 0.0

    def is_early(self, call: Call) -> bool:
        """Whether the call appends an event of which an earlier one of its run has not been done here."""
        return call.op == "append" and call.after > (self._done.get(_entry(call).run_id) or 0)

    def first_of(self, early: Call, ahead: Sequence[tuple[BusMessage, Call]]) -> tuple[BusMessage, Call] | None:
        """The earliest event of the same run that is at hand, before the ``early`` one."""
        entry, done = _entry(early), self._done.get(_entry(early).run_id) or 0
        earlier = [
            (message, call)
            for message, call in ahead
            if call.op == "append" and _entry(call).run_id == entry.run_id and done < _entry(call).n < entry.n
        ]
        return min(earlier, key=lambda found: _entry(found[1]).n, default=None)

    def is_worth_waiting(self, early: Call) -> bool:
        """Whether what is missing may still come. What was done before this reader came is not waited for."""
        entry = _entry(early)
        if self._done.get(entry.run_id) is None:
            return False
        if self._missing != (entry.run_id, early.after):
            self._missing, self._since = (entry.run_id, early.after), self._clock()
        return self._clock() - self._since < PATIENCE

    def lost(self, early: Call) -> int:
        """How many events of the run are missing, at most; 1 where this reader knows nothing of it."""
        done = self._done.get(_entry(early).run_id)
        return 1 if done is None else early.after - done

    def took(self, call: Call, appended: Appended | None = None) -> None:
        """It was done, or never can be."""
        if call.op != "append":
            return
        entry = _entry(call)
        done = self._done.get(entry.run_id)
        if done is None and appended is not None and appended.status is AppendStatus.DUPLICATE:
            return  # what others did before reaches further, nobody knows how far
        self._done.put(entry.run_id, max(entry.n, done or 0))


def _entry(call: Call) -> NewEntry:
    entry: NewEntry = call.arguments["entry"]
    return entry
