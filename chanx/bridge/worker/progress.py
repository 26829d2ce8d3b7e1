"""Turns a flood of progress calls into at most a few events a second, with rate and time to go."""

from __future__ import annotations

import math
from collections.abc import Callable

from chanx.bridge.events import JobProgress, ProgressPayload

SMOOTHING_SECONDS = 5.0


class ProgressMeter:
    """Decides which progress reports are sent, and works out ``rate`` and ``eta``.

    The first report is sent, then at most one an ``interval`` (seconds); the newest unsent one is kept for
    :meth:`flush`. The rate is an exponential moving average over about ``SMOOTHING_SECONDS`` of the reports sent.
    """

    def __init__(self, clock: Callable[[], float], *, interval: float = 0.1) -> None:
        self.due_at = -math.inf
        self._clock = clock
        self._interval = interval
        self._unsent: ProgressPayload | None = None
        self._sampled: tuple[float, float] | None = None  # time, current
        self._rate: float | None = None

    def update(self, report: ProgressPayload) -> JobProgress | None:
        """Takes a report; returns the event to send, or None if it is not due."""
        self._unsent = report
        return self.flush() if self._clock() >= self.due_at else None

    def flush(self) -> JobProgress | None:
        """The newest report that was not sent, if there is one."""
        unsent, self._unsent = self._unsent, None
        if unsent is None:
            return None
        now = self._clock()
        self.due_at = now + self._interval
        self._sample(now, unsent.current)
        return JobProgress(payload=self._complete(unsent))

    def _sample(self, now: float, current: float) -> None:
        previous, self._sampled = self._sampled, (now, current)
        if previous is None or current < previous[1]:
            self._rate = None  # the work began, or began again
            return
        seconds = now - previous[0]
        if seconds <= 0:
            return
        momentary = (current - previous[1]) / seconds
        if self._rate is None:
            self._rate = momentary
        else:
            self._rate += (1 - math.exp(-seconds / SMOOTHING_SECONDS)) * (momentary - self._rate)

    def _complete(self, report: ProgressPayload) -> ProgressPayload:
        fraction = eta = None
        if report.total is not None and report.total > 0:
            fraction = min(max(report.current / report.total, 0.0), 1.0)
            if self._rate:
                eta = max(report.total - report.current, 0.0) / self._rate
        return report.model_copy(update={"fraction": fraction, "rate": self._rate, "eta": eta})
