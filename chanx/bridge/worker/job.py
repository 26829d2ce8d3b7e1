"""A task's own view of its job: report progress, log, emit events, and learn that somebody cancelled it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import TypeVar

from typing_extensions import Unpack

from chanx.bridge.encoding import EntryTerms, without_surrogates
from chanx.bridge.events import JobLogLine, JobProgress, JobTaskState, LogLevel, LogPayload
from chanx.bridge.reach import NOBODY, Reach
from chanx.bridge.reporter import JobReporter
from chanx.bridge.worker.output import MAX_STREAM_NAME, OutputBuffer
from chanx.bridge.worker.progress import ProgressMeter, amount, canvas_progress
from chanx.bridge.worker.steps import Report, Steps
from chanx.bridge.worker.timer import PROCESS_TIMER, Timer
from chanx.errors import JobCancelled
from chanx.log import log_throttled
from chanx.messages.base import BaseMessage
from chanx.utils.process import PerProcess

T = TypeVar("T")

ASK_INTERVAL = 0.25
"""Seconds between two questions to the store whether the job was cancelled; answers to events tell it for nothing."""

OUTPUT_INTERVAL = 0.02
"""Seconds that a piece of output waits for others to be sent with."""

GRACE = 0.02
"""Seconds that the timer leaves a task to send a report that is due by itself."""


class Job:
    """``self.job`` in a :class:`~chanx.bridge.worker.task.JobTask`. One per run; use it from the task's own thread.

    No method fails because Redis is away. What a user did wrong does raise: an event that is too large or has no JSON
    form, a step that is not in the plan.
    """

    def __init__(
        self,
        reporter: JobReporter,
        *,
        reach: Reach = NOBODY,
        cancelled: type[JobCancelled] = JobCancelled,
        in_canvas: bool = False,
        clock: Callable[[], float] = time.monotonic,
        timer: Timer = PROCESS_TIMER,
    ) -> None:
        self._reporter = reporter
        self._reach = reach
        self._cancelled = cancelled
        self._in_canvas = in_canvas
        self._clock = clock
        self._timer = timer
        self._meter = ProgressMeter(clock)
        self._steps = Steps()
        self._output = OutputBuffer()
        self._output_since = 0.0
        self._is_watched = False  # by the timer, for a report that is due
        self._has_ended = False
        self._heard_at = clock()
        # What is sent is taken and numbered in one go, so that the timer's thread and the task's do not overtake each
        # other. Reentrant, because a log handler of the user's may report while something is sent; per process, because
        # a task may fork while the timer's thread holds it.
        self._order = PerProcess(threading.RLock)

    @property
    def job_id(self) -> str:
        """The job's id; empty in a task that was not started as a part of a job."""
        return self._reporter.origin.job_id

    def progress(
        self, current: float, total: float | None = None, message: str | None = None, *, unit: str | None = None
    ) -> None:
        """Reports how far the work is, in absolute numbers of any ``unit``. Call it as often as you like.

        At most ten reports a second are sent; the newest one always is, also if the task falls silent after it. Inside
        of a :meth:`step` the numbers are the step's. A ``current`` beyond ``total`` or below 0 is shown as it is, at
        the bar's end or beginning. One that is NaN or infinite is ignored, such a ``total`` counts as not known.

        Raises :class:`~chanx.errors.JobCancelled` if the job was cancelled.
        """
        self._stop_if_cancelled()
        done = amount(current, "current")
        if done is None:
            log_throttled("job_progress_ignored", key=self.job_id, job_id=self.job_id, current=repr(current)[:100])
            return
        known = None if total is None else amount(total, "total")
        self._report(Report(self._steps.scope, done, known, message, unit))

    def track(
        self,
        iterable: Iterable[T],
        total: float | None = None,
        message: str | None = None,
        *,
        unit: str | None = None,
    ) -> Iterator[T]:
        """Yields the items and reports progress as they are used up. ``total`` defaults to ``len(iterable)``.

        A :meth:`step` that is opened for an item is that item's part of the bar, or the ``weight`` part of it.

        Raises :class:`~chanx.errors.JobCancelled` between two items if the job was cancelled.
        """
        if total is None and isinstance(iterable, Sized):
            total = len(iterable)
        self._steps.count()
        self.progress(0, total, message, unit=unit)
        self._watch()  # over the items that come before the next report is due
        known = None if total is None else amount(total, "total")
        scope, meter, clock = self._steps.scope, self._meter, self._clock
        done = 0
        for done, item in enumerate(iterable, 1):
            yield item
            meter.newest = Report(scope, done, known, message, unit)
            if clock() >= meter.due_at:
                self._stop_if_cancelled()
                self._send_progress()
                self._watch()
        self.progress(done, total, message, unit=unit)

    def steps(self, total: float | None = None, /, **weights: float) -> None:
        """Declares the steps of the work, so that the bar is that of the whole: ``job.steps(load=1, render=3)``.

        The numbers are weights: here rendering is three quarters of the bar. Where the names are not known beforehand,
        give the sum of the weights: ``job.steps(len(files))``. Inside of a :meth:`step` it declares that step's own
        steps. Raises ``ValueError`` for weights that are no positive numbers.
        """
        self._report(self._steps.plan(total, weights))

    @contextmanager
    def step(self, name: str, *, weight: float | None = None) -> Generator[Job]:
        """A part of the work. Inside of it ``progress`` and ``track`` are relative to the step::

            job.steps(load=1, render=3)
            with job.step("load"):
                ...
            with job.step("render") as step:
                for page in step.track(pages):
                    ...

        ``weight`` defaults to the one declared in :meth:`steps`, or 1. Without a declaration the bar cannot tell how
        much of the whole the step is, and waits; the step's name and its own amounts are shown all the same. An
        exception leaves the bar where it was. Raises ``ValueError`` for a name that was not declared.
        """
        self._stop_if_cancelled()
        self._report(self._steps.enter(name, weight, self._meter.newest))
        completed = False
        try:
            yield self
            completed = True
        finally:
            left = self._steps.leave(self._meter.newest, completed=completed)
            if left:
                self._report(left)

    def log(self, message: str, level: LogLevel = "info") -> None:
        """A line for the people who watch the job (it does not go to the worker's own log)."""
        self._send(JobLogLine(payload=LogPayload(level=level, message=without_surrogates(message))))

    def output(self, text: str, stream: str = "stdout") -> None:
        """Puts out a piece of text: a token of a language model, what a program printed. As small as you like.

        Pieces are gathered for 20 ms and sent as ``job_output`` events, in order with all other events of the run. The
        text of a ``stream`` (any name of up to 100 characters) is its pieces joined. Raises ``TypeError`` for bytes:
        decode them first.
        """
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # not every task is type-checked
            raise TypeError(f"output() takes text, not {type(text).__name__}: decode bytes first")
        if len(stream) > MAX_STREAM_NAME:
            raise ValueError(f"A stream's name has at most {MAX_STREAM_NAME} characters.")
        if not text:
            return
        with self._order.get():
            is_first = self._output.is_empty
            self._output.add(text, stream)
            if is_first:
                self._output_since = self._clock()
            elif self._output.is_full or self._clock() - self._output_since >= OUTPUT_INTERVAL:
                self._send_output()
        if is_first:
            self._timer.call_later(OUTPUT_INTERVAL, self._on_output_timer)

    def emit(self, event: BaseMessage) -> None:
        """Sends an event of your own type: a :class:`~chanx.bridge.events.JobEvent`, or any message.

        Raises :class:`~chanx.errors.EventTooLargeError` for one of more than 256 KiB.
        """
        self._send(event)

    def notify(self, event: BaseMessage, *, user: object = None, groups: Collection[str] | str = ()) -> None:
        """Sends an event to consumers: as ``Consumer.broadcast_event_sync`` does, and no part of the job's own stream.

        It reaches the connections of ``user`` (a user object or an owner string) that joined
        :func:`~chanx.bridge.names.owner_group`, and the members of ``groups``; with neither, the groups that the job
        was started with, or without such its owner's.
        """
        self._reach.notify(event, user=user, groups=groups)

    def reply(self, event: BaseMessage) -> None:
        """Sends an event to the client who started the job: ``reply_to=`` of ``start_job``, if it is still there."""
        self._reach.reply(event)

    def should_abort(self) -> bool:
        """Whether the job was cancelled. Cheap: the store is asked at most every quarter of a second."""
        if not self._reporter.aborted and self._clock() - self._heard_at >= ASK_INTERVAL:
            self._heard_at = self._clock()
            self._reporter.ask_cancelled()
        return self._reporter.aborted

    def finish(self, event: BaseMessage, **terms: Unpack[EntryTerms]) -> None:
        """Sends what is held back, then the run's closing event. Called by the bridge when the task has ended.

        Nothing comes after it: what a forgotten thread of the task still reports goes nowhere.
        """
        with self._order.get():
            if self._in_canvas and isinstance(event, JobTaskState) and event.payload.state == "succeeded":
                self._meter.complete()
            self._send_progress()
            self._send_output()
            self._deliver(event, **terms)
            self._has_ended = True

    def _report(self, report: Report) -> None:
        self._meter.newest = report
        if self._meter.is_due():
            self._send_progress()
        else:
            self._watch()

    def _watch(self) -> None:
        """Lets the timer look after a report that is not due yet."""
        if self._is_watched:
            return
        with self._order.get():
            if not self._is_watched:
                self._is_watched = True
                self._timer.call_later(self._meter.due_at - self._clock() + GRACE, self._on_progress_timer)

    def _on_progress_timer(self) -> None:
        with self._order.get():
            try:
                # In this order: what the task reports after the question, it finds due and sends by itself.
                if self._meter.is_due() and self._meter.has_news:
                    self._send_progress()
            finally:
                self._is_watched = False
                if not self._meter.is_due() or self._meter.has_news:
                    self._watch()

    def _on_output_timer(self) -> None:
        with self._order.get():
            self._send_output()

    def _send_progress(self) -> None:
        with self._order.get():
            payload = self._meter.take()
            if payload is None:
                return
            self._send_output()
            if self._in_canvas:
                self._deliver(canvas_progress(payload), fraction=payload.fraction or 0.0)
            else:
                self._deliver(JobProgress(payload=payload))

    def _send_output(self) -> None:
        for event in self._output.take():
            self._deliver(event)

    def _send(self, event: BaseMessage) -> None:
        with self._order.get():
            self._send_output()
            self._deliver(event)

    def _deliver(self, event: BaseMessage, **terms: Unpack[EntryTerms]) -> None:
        if self._has_ended:
            return
        if self._reporter.send(event, **terms) is not None:
            self._heard_at = self._clock()

    def _stop_if_cancelled(self) -> None:
        if self.should_abort():
            raise self._cancelled
