"""The transport of workers that reach the site's Redis: append to the log, then tell the watchers on the layer.

entry ─> JobLog.append (seq, epoch) ─> Publisher.group_send(job group) ─> the job topics of all web processes
                    └── in one step, where the store can do that ───────┘
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from chanx.bridge.entry import Appended, AppendStatus, Deadline, JobOutcome, NewEntry, Suspect
from chanx.bridge.names import LIVE_EVENT_TYPE, job_group, job_topic
from chanx.bridge.store.base import JobStore, StoreUnavailableError
from chanx.bridge.transports.base import JobTransport
from chanx.errors import EventTooLargeError, PublisherError
from chanx.layers import Publisher, is_channel_name
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_throttled
from chanx.utils.process import PerProcess

T = TypeVar("T")


class DirectTransport(JobTransport):
    """Appends first, so that a watcher never sees what the log does not have.

    While the store is away, whose every answer costs a task the store's timeout, it is asked once a second only;
    what starts or ends a state or an execution is always tried. ``failures`` counts what did not reach the store.
    """

    def __init__(self, store: JobStore, publisher: Publisher, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._append = store.announcing_append(publisher) or store.append
        self._publisher = publisher
        self._breaker = PerProcess(lambda: CircuitBreaker(clock=clock))

    def send(self, entry: NewEntry) -> Appended | None:
        appended = self._try(
            lambda: self._append(entry),
            always=entry.state is not None or entry.ending is not None,
            job_id=entry.job_id,
            lost=entry.action,
        )
        if appended and appended.status is AppendStatus.APPENDED and not appended.announced:
            self._announce(entry, appended)
        return appended

    def is_cancelled(self, job_id: str) -> bool:
        return bool(self._try(lambda: self._store.is_cancelled(job_id), job_id=job_id))

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        added = self._try(
            lambda: self._store.add_pending(job_id, publish_id, task_id, worker=worker),
            job_id=job_id,
            lost="a pending execution",
        )
        return bool(added)

    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        complete = self._try(
            lambda: self._store.drop_pending(job_id, publish_ids),
            always=True,
            job_id=job_id,
            lost="executions that were not published",
        )
        return bool(complete)

    def outcome(self, job_id: str) -> JobOutcome | None:
        return self._try(lambda: self._store.outcome(job_id), always=True, job_id=job_id, lost="the job's end")

    def release(self, worker: str, publish_ids: Collection[str]) -> None:
        # What a worker has without need is no harm: whoever would end it in its place finds that it has ended.
        self._try(lambda: self._store.release(worker, publish_ids))

    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        job_id = deadline.execution.job_id
        self._try(
            lambda: self._store.set_deadline(deadline, seconds=seconds), always=True, job_id=job_id, lost="a deadline"
        )

    def clear_deadline(self, deadline: Deadline) -> None:
        # What has ended by then is not touched.
        self._try(lambda: self._store.clear_deadline(deadline), job_id=deadline.execution.job_id)

    def suspect(self, suspect: Suspect) -> None:
        job_id = suspect.job_id
        self._try(lambda: self._store.suspect(suspect), always=True, job_id=job_id, lost="a suspected execution")

    def suspects(self, *, older_than: float) -> list[Suspect]:
        return self._try(lambda: self._store.suspects(older_than=older_than)) or []

    def tell(self, names: Collection[str], message: Mapping[str, Any]) -> None:
        with self._publisher.batch():
            for name in names:
                if is_channel_name(name):
                    self._publisher.send(name, message)
                else:
                    self._publisher.group_send(name, message)

    def clear_suspect(self, suspect: Suspect) -> None:
        # Unless it works it is found again, and ended again, which changes nothing.
        self._try(lambda: self._store.clear_suspect(suspect), job_id=suspect.job_id)

    def _announce(self, entry: NewEntry, appended: Appended) -> None:
        try:
            self._publisher.group_send(job_group(entry.job_id), live_message(entry, appended))
        except (PublisherError, EventTooLargeError) as error:
            # It is in the log, where watchers find it within two seconds: no reason for a task to fail.
            log_throttled("job_event_not_announced", key=id(self), job_id=entry.job_id, error=str(error))

    def _try(
        self, ask: Callable[[], T], *, always: bool = False, job_id: str | None = None, lost: str | None = None
    ) -> T | None:
        """What the store answers; None while it is away. ``lost`` is what is lost then; a question loses nothing."""
        breaker = self._breaker.get()
        if always or breaker.allows():
            try:
                answer = ask()
            except StoreUnavailableError as error:
                breaker.failed()
                if lost:
                    log_throttled("job_event_lost", key=id(self), job_id=job_id, lost=lost, error=str(error))
            else:
                breaker.succeeded()
                return answer
        if lost:
            self.failures += 1
        return None


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
    return message
