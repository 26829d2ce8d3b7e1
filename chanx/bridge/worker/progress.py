"""Turns a flood of progress reports into at most a few events a second, with rate and time to go."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import BaseModel

from chanx.bridge.encoding import without_surrogates
from chanx.bridge.entry import Delivery
from chanx.bridge.events import JobEvent, ProgressPayload
from chanx.bridge.worker.steps import Report, Scope

INTERVAL = 0.1
"""Seconds between two progress events of a run, at least."""

SMOOTHING_SECONDS = 5.0

MAX_MESSAGE = 4000
"""Characters of a report's message that are shown, at most."""


class CanvasProgressPayload(BaseModel):
    """A :class:`ProgressPayload` into which the store writes how far the job's tasks are together."""

    current: Literal["@done@"] = "@done@"
    total: Literal["@tasks@"] = "@tasks@"
    unit: Literal["tasks"] = "tasks"
    fraction: Literal["@fraction@"] = "@fraction@"
    rate: None = None
    eta: None = None
    message: str | None
    step: tuple[str, ...]


class CanvasProgress(JobEvent):
    """The ``job_progress`` of a job of several tasks, as one of them sends it."""

    delivery: ClassVar[Delivery] = "latest"
    action: Literal["job_progress"] = "job_progress"
    payload: CanvasProgressPayload


def canvas_progress(payload: ProgressPayload) -> CanvasProgress:
    """What a task reports of itself as the progress of the job that it is one task of."""
    return CanvasProgress(payload=CanvasProgressPayload(message=payload.message, step=payload.step))


class Speed:
    """How fast a number grows, per second: an exponential moving average over about ``SMOOTHING_SECONDS``."""

    def __init__(self) -> None:
        self.per_second: float | None = None
        self._sampled: tuple[float, float] | None = None  # time, value

    def sample(self, now: float, value: float | None) -> None:
        """Takes the number as it is ``now`` (seconds); None, or one that went back, begins anew."""
        previous, self._sampled = self._sampled, None if value is None else (now, value)
        if previous is None or value is None or value < previous[1]:
            self.per_second = None
            return
        seconds = now - previous[0]
        if seconds <= 0:
            return
        momentary = (value - previous[1]) / seconds
        known = momentary if self.per_second is None else self.per_second
        self.per_second = finite(known + (1 - math.exp(-seconds / SMOOTHING_SECONDS)) * (momentary - known))

    def seconds_for(self, amount: float) -> float | None:
        """How long ``amount`` more will take, None if that cannot be said."""
        return finite(max(amount, 0.0) / self.per_second) if self.per_second else None


class ProgressMeter:
    """Decides when a progress report is sent, and works out ``fraction``, ``rate`` and ``eta``.

    ``newest`` is the last report, set by the task as often as it likes. :meth:`take`, called by one thread at a time,
    hands it out once. So no lock is needed between the two.
    """

    def __init__(self, clock: Callable[[], float], *, interval: float = INTERVAL) -> None:
        self.newest: Report | None = None
        self.due_at = -math.inf
        self._clock = clock
        self._interval = interval
        self._taken: Report | None = None
        self._speed = Speed()
        self._bar_speed = Speed()

    @property
    def has_news(self) -> bool:
        """Whether the newest report was not handed out yet."""
        return self.newest is not self._taken

    def is_due(self) -> bool:
        """Whether the next report may be sent: the first one, and then one an interval."""
        return self._clock() >= self.due_at

    def complete(self) -> None:
        """The task is done, whatever it reported."""
        if self.newest is None or self.newest.fraction != 1:
            self.newest = Report(Scope(), 1, 1, self.newest.message if self.newest else None)

    def take(self) -> ProgressPayload | None:
        """The newest report as the payload of its event, if it was not handed out yet."""
        report = self.newest
        if report is None or report is self._taken:
            return None
        previous, self._taken = self._taken, report
        if report == previous and report.fraction == 1:  # the end of a loop says what its last item has said
            return None
        now = self._clock()
        self.due_at = now + self._interval
        if previous and (previous.scope.path, previous.unit) != (report.scope.path, report.unit):
            self._speed = Speed()  # it counts something else now
        fraction = report.fraction
        self._speed.sample(now, report.current)
        self._bar_speed.sample(now, fraction)
        return ProgressPayload(
            current=report.current,
            total=report.total,
            unit=_shown(report.unit),
            fraction=fraction,
            rate=self._speed.per_second,
            eta=self._eta(report, fraction),
            message=_shown(report.message),
            step=tuple(without_surrogates(name) for name in report.scope.path),
        )

    def _eta(self, report: Report, fraction: float | None) -> float | None:
        if fraction is None or report.total is None:
            return None
        if report.scope.path:
            return self._bar_speed.seconds_for(1 - fraction)
        return self._speed.seconds_for(report.total - report.current)


def amount(value: object, name: str) -> float | None:
    """A number of a report, None for what is no amount (NaN, infinity, beyond what a float can hold).

    Raises ``TypeError`` for what is no number at all.
    """
    try:
        return finite(float(value))  # type: ignore[arg-type]  # whatever the user passed: Decimal, numpy, ...
    except OverflowError:
        return None
    except (TypeError, ValueError):
        raise TypeError(f"progress() takes numbers: {name} is {value!r}") from None


def finite(value: float) -> float | None:
    """The number, None for NaN and infinity."""
    return value if math.isfinite(value) else None


def _shown(text: object) -> str | None:
    """A text as one that can be sent, whatever it is: lazy translations, lone surrogates, a whole file."""
    if text is None:
        return None
    shown = without_surrogates(str(text))
    return shown if len(shown) <= MAX_MESSAGE else f"{shown[:MAX_MESSAGE]}…"
