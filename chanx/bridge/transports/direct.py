"""The transport of workers that reach the site's Redis: append to the log, then tell the watchers on the layer.

entry ─> JobLog.append (seq, epoch) ─> Publisher.group_send(job group) ─> the job topics of all web processes
          │         └── in one step, where the store can do that ───────┘
          └─ the store is away: Spool ─> later
"""

from __future__ import annotations

import atexit
import logging
import time
import weakref
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from chanx.bridge.entry import Appended, AppendStatus, Deadline, JobOutcome, NewEntry
from chanx.bridge.names import LIVE_EVENT_TYPE, job_group, job_topic, list_message
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, StoreUnavailableError
from chanx.bridge.transports.backlog import MAX_BYTES, MAX_STEPS, Backlog, Step
from chanx.bridge.transports.base import JobTransport
from chanx.bridge.transports.observed_append import observed_append
from chanx.bridge.transports.spool import RETRY_SECONDS, Spool
from chanx.core.failures import log_failure
from chanx.errors import EventTooLargeError, PublisherError
from chanx.layers import Publisher, is_channel_name
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_event, log_throttled
from chanx.metrics import JOB_EVENTS_FAILED
from chanx.telemetry import OBSERVERS, measure
from chanx.utils.process import PerProcess

T = TypeVar("T")

EXIT_SECONDS = 2.0
"""How long a process's end waits for a store that is away, about."""


class DirectTransport(JobTransport):
    """Appends first, so that a watcher never sees what the log does not have.

    While the store is away, whose every answer costs a task the store's timeout, it is asked once a second only, and
    what it should know waits in a :class:`Spool`: nothing is lost within the bounds of a :class:`Backlog`. ``failures``
    counts what never reached the store. ``retry_seconds``: how often what waits is tried again.
    """

    def __init__(
        self,
        store: JobStore,
        publisher: Publisher,
        *,
        clock: Callable[[], float] = time.monotonic,
        retry_seconds: float = RETRY_SECONDS,
        max_steps: int = MAX_STEPS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._store = store
        self._append_to = store.announcing_append(publisher) or store.append
        self._publisher = publisher
        self._unanswered = 0
        self._breaker = PerProcess(lambda: CircuitBreaker(clock=clock))

        def make_spool() -> Spool:
            atexit.register(_give_up_at_exit, weakref.ref(self))
            backlog = Backlog(self.append, max_steps=max_steps, max_bytes=max_bytes)
            return Spool(backlog, self._breaker.get(), retry_seconds=retry_seconds)

        self._spool = PerProcess(make_spool)

    @property
    def publisher(self) -> Publisher:
        """What watchers and groups are told through."""
        return self._publisher

    @property
    def failures(self) -> int:  # type: ignore[override]  # counted, not set
        return self._unanswered + self._spool.get().lost

    @property
    def waiting(self) -> int:
        """How much of this process waits for the store."""
        return len(self._spool.get())

    def send(self, entry: NewEntry, *, later: Callable[[Appended], None] | None = None) -> Appended | None:
        return self._in_turn(Step(lambda: self.append(entry), entry, later))

    def flush(self, seconds: float) -> None:
        """Sends what waits now instead of within a second, for about so many seconds at most."""
        self._spool.get().flush(seconds)

    def give_up(self, seconds: float) -> None:
        left = self._spool.get().give_up(seconds)
        if left:
            log_event("job_events_lost", level=logging.ERROR, lost=left, reason="the process ends, the store is away")

    def is_cancelled(self, job_id: str) -> bool:
        # What waits is tried by a thread: the task need not wait for the store beside it.
        return not self.waiting and bool(self._try(lambda: self._store.is_cancelled(job_id)))

    def cancel_reason(self, job_id: str) -> str | None:
        job = None if self.waiting else self._try(lambda: self._store.snapshot(job_id))
        return job.cancel_reason if job else None

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        is_asked = False

        def add() -> bool:
            nonlocal is_asked
            is_asked = True
            return self._store.add_pending(job_id, publish_id, task_id, worker=worker)

        added = self._try(add)
        if added is None:
            if is_asked:  # only the answer may be lost, and then the job would wait for ever
                self.drop_pending(job_id, [publish_id])
            self._unanswered += 1
            log_throttled("job_cannot_wait", key=id(self), job_id=job_id, task_id=task_id)
        return bool(added)

    def drop_pending(
        self, job_id: str, publish_ids: Collection[str], *, later: Callable[[bool], None] | None = None
    ) -> bool:
        complete = self._in_turn(Step(lambda: self._store.drop_pending(job_id, publish_ids), later=later))
        return complete is True

    def drop_unclaimed(self, job_id: str, *, later: Callable[[bool], None] | None = None) -> bool:
        def drop() -> bool:
            unclaimed = self._store.unclaimed(job_id)
            # Of a job that waits for nothing anyway, somebody else saw the last execution end.
            return bool(unclaimed) and self._store.drop_pending(job_id, unclaimed)

        return self._in_turn(Step(drop, later=later)) is True

    def outcome(self, job_id: str, *, later: Callable[[JobOutcome | None], None] | None = None) -> JobOutcome | None:
        return self._in_turn(Step(lambda: self._store.outcome(job_id), later=later))

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        self._in_turn(Step(lambda: self._store.release(worker, publish_ids, run_id=run_id)))

    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        self._in_turn(Step(lambda: self._store.set_deadline(deadline, seconds=seconds)))

    def clear_deadline(self, deadline: Deadline) -> None:
        self._in_turn(Step(lambda: self._store.clear_deadline(deadline)))

    def tell(self, names: Collection[str], message: Mapping[str, Any]) -> None:
        with self._publisher.batch():
            for name in names:
                if is_channel_name(name):
                    self._publisher.send(name, message)
                else:
                    self._publisher.group_send(name, message)

    def tell_lists(self, groups: Collection[str], job_id: str, state: JobState) -> None:
        for group in groups:
            self._announce(job_id, group, list_message(group, job_id, state))

    def append(self, entry: NewEntry) -> Appended:
        """As :meth:`send`, but now: what waits is passed by. Raises ``StoreUnavailableError``."""
        if OBSERVERS:
            return observed_append(self._append_and_announce, entry, is_log=self._store.is_observed_here)
        return self._append_and_announce(entry)

    def _append_and_announce(self, entry: NewEntry) -> Appended:
        appended = self._append_to(entry)
        if appended.status is AppendStatus.APPENDED and not appended.announced:
            self._announce(entry.job_id, job_group(entry.job_id), live_message(entry, appended))
            if entry.state is not None:
                self.tell_lists(appended.list_groups, entry.job_id, entry.state)
        return appended

    def _announce(self, job_id: str, group: str, message: Mapping[str, Any]) -> None:
        try:
            self._publisher.group_send(group, message)
        except (PublisherError, EventTooLargeError) as error:
            # It is in the store, where watchers find it within seconds: no reason for a task to fail.
            log_throttled("job_event_not_announced", key=id(self), job_id=job_id, error=str(error))

    def _in_turn(self, step: Step[T]) -> T | None:
        """The store's answer; None where it is away, or something older waits for it."""
        spool, breaker = self._spool.get(), self._breaker.get()
        if not spool and breaker.allows():
            try:
                answer = step.ask()
            except StoreUnavailableError as error:
                breaker.failed()
                step.is_tried = True
                log_throttled("job_store_away", key=id(self), error=str(error))
            except Exception as error:  # a store's mistake is no reason for a task to fail
                self._unanswered += 1
                log_failure("job_event_lost", error)
                if step.entry is not None:
                    measure(JOB_EVENTS_FAILED, 1, {"chanx.reason": "error"})
                return None
            else:
                breaker.succeeded()
                return answer
        return spool.put(step)

    def _try(self, ask: Callable[[], T]) -> T | None:
        """The store's answer to a question; None while it is away."""
        breaker = self._breaker.get()
        if not breaker.allows():
            return None
        try:
            answer = ask()
        except StoreUnavailableError:
            breaker.failed()
            return None
        except Exception as error:
            log_failure("job_question_failed", error)
            return None
        breaker.succeeded()
        return answer


def _give_up_at_exit(reference: weakref.ref[DirectTransport]) -> None:
    transport = reference()
    if transport is not None:
        transport.give_up(EXIT_SECONDS)


def live_message(entry: NewEntry, appended: Appended) -> Mapping[str, Any]:
    """The channel-layer message of an appended event, as the job topic reads it.

    ``seq`` is the event's own number for a ``log`` event; a ``latest`` event has ``rev`` and the log's ``head``.
    """
    message: dict[str, Any] = {
        "type": LIVE_EVENT_TYPE,
        "topic": job_topic(entry.job_id),
        "epoch": appended.epoch,
        "action": entry.action,
        "event": appended.event or entry.event,
    }
    if entry.delivery == "log":
        message["seq"] = appended.seq
    else:
        message["head"] = appended.seq
        message["rev"] = appended.rev
    if entry.trace is not None:
        message["trace"] = entry.trace
    return message
