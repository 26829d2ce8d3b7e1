"""Sends the events of one run, numbered, so that a repeated send appends nothing twice; and ends a job that is over."""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Collection
from dataclasses import replace
from functools import partial

from typing_extensions import Unpack

from chanx.bridge.closing import closing_event
from chanx.bridge.encoding import EntryTerms, Origin, encode_event
from chanx.bridge.entry import Appended, AppendStatus, JobOutcome, NewEntry
from chanx.bridge.events import JobCancelledEvent, ReasonPayload
from chanx.bridge.transports.base import JobTransport
from chanx.messages.base import BaseMessage, action_of
from chanx.telemetry import OBSERVERS, Carrier, SpanStart, span
from chanx.utils.process import PerProcess


class JobReporter:
    """One per run (an execution of an attempt), or per single report from elsewhere. Thread-safe; never loses order.

    With ``of_run`` its events are those of the task's current run: another run that claims the task silences it.
    ``aborted`` turns true when an answer says that the job was cancelled, or has ended although a task that it consists
    of (``is_member``) reports: callbacks and nested tasks may outlive it. Whoever publishes a task that the job could
    not be told to wait for sets ``has_strays``: the job may end with that one. What a process reports that was forked
    in the middle of the run is a run of its own, which nothing silences. ``trace`` is where events come from that are
    sent from elsewhere: a timer's thread, say.
    """

    def __init__(
        self,
        transport: JobTransport,
        *,
        job_id: str,
        task_id: str,
        attempt: int,
        is_member: bool = True,
        of_run: bool = False,
        run_id: str | None = None,
    ) -> None:
        self.origin = Origin(job_id, task_id, attempt, run_id or secrets.token_hex(6))
        self.aborted = False
        self.has_strays = False
        self.trace: Carrier | None = None
        self._is_member = is_member
        self._claimable = task_id if of_run else ""
        self._transport = transport
        self._n = 0
        # Reentrant: a log handler of the user's may report to the job what is logged while an event is sent.
        self._lock = PerProcess(threading.RLock)
        self._pid = os.getpid()

    def send(self, event: BaseMessage, **terms: Unpack[EntryTerms]) -> Appended | None:
        """Sends one event; raises only for a user's mistake in it (too large, no JSON form).

        ``terms`` are those of :class:`~chanx.bridge.entry.NewEntry`. The end of the last execution that the job waited
        for ends the job too.
        """
        if not OBSERVERS or getattr(event, "delivery", "log") == "latest":
            return self._send(event, **terms)
        action = action_of(event)
        attributes = {"chanx.job.id": self.origin.job_id, "chanx.action": action}
        with span(SpanStart(f"report {action}", "producer", attributes, parent=self.trace, is_part=True)):
            return self._send(event, **terms)

    def _send(self, event: BaseMessage, **terms: Unpack[EntryTerms]) -> Appended | None:
        with self._lock.get():
            if self._pid != os.getpid():
                self._go_on_as_child()
            entry, origin = self.entry(self._with_reason(event), **terms), self.origin
            appended = self._transport.send(entry, later=partial(self._heed, entry, origin))
        if appended:
            self._heed(entry, origin, appended)
        return appended

    def entry(self, event: BaseMessage, **terms: Unpack[EntryTerms]) -> NewEntry:
        """The run's next event, for who appends it in another way. Raises as :meth:`send` does."""
        terms.setdefault("task_id", self._claimable)
        entry = encode_event(event, self.origin, self._n + 1, **terms)
        self._n += 1
        return entry

    def _heed(self, entry: NewEntry, origin: Origin, appended: Appended) -> None:
        if appended.cancelled or (self._is_member and appended.status is AppendStatus.ENDED):
            self.aborted = True
        if not entry.ending:
            return
        if appended.complete:
            end_job(self._transport, origin, if_decided=self.has_strays or entry.ending.outcome == "none")
        elif appended.cancelled:
            # What this task has published since the cancellation, its next attempt for one, need not be begun.
            drop_unclaimed(self._transport, origin)

    def _with_reason(self, event: BaseMessage) -> BaseMessage:
        """The end of a task that was cancelled says why, which only the store knows."""
        if not isinstance(event, JobCancelledEvent) or event.payload.reason is not None:
            return event
        reason = self._transport.cancel_reason(self.origin.job_id)
        return event.model_copy(update={"payload": ReasonPayload(reason=reason)}) if reason else event

    def _go_on_as_child(self) -> None:
        # Under the numbers that both would use, one would take the other's events for repeated ones.
        self.origin = replace(self.origin, run_id=secrets.token_hex(6))
        self._pid, self._n, self._claimable = os.getpid(), 0, ""

    def ask_cancelled(self) -> bool:
        """Asks the store; one round trip."""
        self.aborted = self.aborted or self._transport.is_cancelled(self.origin.job_id)
        return self.aborted


def end_job(transport: JobTransport, origin: Origin, *, if_decided: bool = False) -> None:
    """Ends a job of which nothing is pending, once, whoever calls it; ``origin`` is who noticed.

    With ``if_decided`` only if something has come of its tasks already: an attempt that is repeated may be the last to
    say so, but its next one may also be one that the job could not be told to wait for.
    """

    def close(outcome: JobOutcome | None) -> None:
        if outcome is not None and (outcome.is_decided or not if_decided):
            end = Origin(origin.job_id, origin.task_id, origin.attempt, run_id=f"{origin.job_id}:end")
            transport.send(encode_event(closing_event(outcome), end, 1, only_if_complete=True))

    close(transport.outcome(origin.job_id, later=close))


def drop_pending(
    transport: JobTransport, origin: Origin, publish_ids: Collection[str], *, if_decided: bool = False
) -> None:
    """The job no longer waits for these; ends it, as :func:`end_job` does, if it waits for nothing then."""

    def end(is_complete: bool) -> None:
        if is_complete:
            end_job(transport, origin, if_decided=if_decided)

    end(transport.drop_pending(origin.job_id, publish_ids, later=end))


def drop_unclaimed(transport: JobTransport, origin: Origin) -> None:
    """The job, which was cancelled, no longer waits for what no run has claimed; it ends if that was all."""

    def end(is_complete: bool) -> None:
        if is_complete:
            end_job(transport, origin)

    end(transport.drop_unclaimed(origin.job_id, later=end))
