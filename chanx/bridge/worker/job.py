"""A task's own view of its job: report progress, log, emit events, and learn that somebody cancelled it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from typing import TypeVar

from pydantic_core import PydanticSerializationError
from typing_extensions import Unpack

from chanx.bridge.encoding import EntryTerms
from chanx.bridge.events import JobLogLine, LogLevel, LogPayload, ProgressPayload
from chanx.bridge.reporter import JobReporter
from chanx.bridge.worker.progress import ProgressMeter
from chanx.errors import EventTooLargeError, JobCancelled
from chanx.log import log_event
from chanx.messages.base import BaseMessage

T = TypeVar("T")

ASK_INTERVAL = 0.25
"""Seconds between two questions to the store whether the job was cancelled; answers to events tell it for nothing."""


class Job:
    """``self.job`` in a :class:`~chanx.bridge.worker.task.JobTask`. One per run; use it from the task's own thread.

    No method fails because Redis is away. What a user did wrong does raise: an event that is too large or has no JSON
    form.
    """

    def __init__(self, reporter: JobReporter, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._reporter = reporter
        self._clock = clock
        self._meter = ProgressMeter(clock)
        self._heard_at = clock()

    @property
    def job_id(self) -> str:
        """The job's id; empty in a task that was not started as a part of a job."""
        return self._reporter.origin.job_id

    def progress(
        self, current: float, total: float | None = None, message: str | None = None, *, unit: str | None = None
    ) -> None:
        """Reports how far the work is, in absolute numbers of any ``unit``. Call it as often as you like.

        Raises :class:`~chanx.errors.JobCancelled` if the job was cancelled.
        """
        self._stop_if_cancelled()
        event = self._meter.update(ProgressPayload(current=current, total=total, unit=unit, message=message))
        if event:
            self._send(event)

    def track(
        self,
        iterable: Iterable[T],
        total: float | None = None,
        message: str | None = None,
        *,
        unit: str | None = None,
    ) -> Iterator[T]:
        """Yields the items and reports progress as they are used up. ``total`` defaults to ``len(iterable)``.

        Raises :class:`~chanx.errors.JobCancelled` between two items if the job was cancelled.
        """
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        self.progress(0, total, message, unit=unit)
        done = 0
        for done, item in enumerate(iterable, 1):
            yield item
            if self._clock() >= self._meter.due_at:
                self.progress(done, total, message, unit=unit)
        self.progress(done, total, message, unit=unit)

    def log(self, message: str, level: LogLevel = "info") -> None:
        """A line for the people who watch the job (it does not go to the worker's own log)."""
        self._send(JobLogLine(payload=LogPayload(level=level, message=message)))

    def emit(self, event: BaseMessage) -> None:
        """Sends an event of your own type: a :class:`~chanx.bridge.events.JobEvent`, or any message.

        Raises :class:`~chanx.errors.EventTooLargeError` for one of more than 256 KiB.
        """
        self._send(event)

    def should_abort(self) -> bool:
        """Whether the job was cancelled. Cheap: the store is asked at most every quarter of a second."""
        if not self._reporter.aborted and self._clock() - self._heard_at >= ASK_INTERVAL:
            self._heard_at = self._clock()
            self._reporter.ask_cancelled()
        return self._reporter.aborted

    def finish(self, event: BaseMessage, **terms: Unpack[EntryTerms]) -> None:
        """Sends what is held back, then the run's closing event. Called by the bridge when the task has ended."""
        unsent = self._meter.flush()
        if unsent:
            try:
                self._send(unsent)
            except (EventTooLargeError, PydanticSerializationError) as error:
                # The call that reported it is long over, and the closing event matters more.
                log_event("job_progress_not_sent", job_id=self.job_id, error=str(error))
        self._reporter.send(event, **terms)

    def _stop_if_cancelled(self) -> None:
        if self.should_abort():
            raise JobCancelled

    def _send(self, event: BaseMessage) -> None:
        if self._reporter.send(event) is not None:
            self._heard_at = self._clock()
