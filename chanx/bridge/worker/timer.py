"""One timer thread per process, which sends what a task reported and then computed on silently.

It starts when it is first needed, and anew in a forked child. In pools of green threads it is one of them.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol

from chanx.log import log_throttled
from chanx.utils.process import PerProcess


class Timer(Protocol):
    """What a run needs of a timer."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        """Calls ``callback`` once, ``delay`` seconds from now or a little later. Thread-safe; never blocks."""


class ProcessTimer:
    """The timer that all runs of a process share. What a callback raises is logged, and harms no other."""

    def __init__(self) -> None:
        self._thread = PerProcess(_TimerThread)

    def call_later(self, delay: float, callback: Callable[[], None]) -> None:
        self._thread.get().add(time.monotonic() + delay, callback)


class _TimerThread:
    def __init__(self) -> None:
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="chanx-timer", daemon=True).start()

    def add(self, when: float, callback: Callable[[], None]) -> None:
        with self._changed:
            heapq.heappush(self._calls, (when, next(self._order), callback))
            if self._calls[0][2] is callback:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            callback = self._wait_for_next()
            try:
                callback()
            except Exception as error:  # a boundary: nobody called this, and other runs wait for the thread
                log_throttled("timer_callback_failed", key=id(self), error=repr(error))
            del callback  # a run's objects must not live on here until the next one comes

    def _wait_for_next(self) -> Callable[[], None]:
        with self._changed:
            while True:
                if not self._calls:
                    self._changed.wait()
                    continue
                delay = self._calls[0][0] - time.monotonic()
                if delay <= 0:
                    return heapq.heappop(self._calls)[2]
                self._changed.wait(delay)


PROCESS_TIMER = ProcessTimer()
