"""The transport of workers that reach the site's Redis: append to the log, then tell the watchers on the layer.

entry ─> JobLog.append (seq, epoch) ─> Publisher.group_send(job group) ─> the job topics of all web processes
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.names import job_group, job_topic
from chanx.bridge.store.base import JobStore, StoreUnavailableError
from chanx.bridge.transports.base import JobTransport
from chanx.layers import Publisher
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_throttled
from chanx.utils.process import PerProcess

LIVE_EVENT_TYPE = "handle_topic_event"


class DirectTransport(JobTransport):
    """Appends first, so that a watcher never sees what the log does not have.

    While the store is away, whose every answer costs a task the store's timeout, it is asked once a second only;
    changes of a job's state are always tried. ``failures`` counts the events that did not reach the log.
    """

    def __init__(self, store: JobStore, publisher: Publisher, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._publisher = publisher
        self._breaker = PerProcess(lambda: CircuitBreaker(clock=clock))
        self.failures = 0

    def send(self, entry: NewEntry) -> Appended | None:
        breaker = self._breaker.get()
        if entry.state is None and not breaker.allows():
            self.failures += 1
            return None
        try:
            appended = self._store.append(entry)
        except StoreUnavailableError as error:
            breaker.failed()
            self.failures += 1
            log_throttled("job_event_lost", key=id(self), job_id=entry.job_id, action=entry.action, error=str(error))
            return None
        breaker.succeeded()
        if appended.status is AppendStatus.APPENDED:
            self._publisher.group_send(job_group(entry.job_id), live_message(entry, appended))
        return appended

    def is_cancelled(self, job_id: str) -> bool:
        breaker = self._breaker.get()
        if not breaker.allows():
            return False
        try:
            cancelled = self._store.is_cancelled(job_id)
        except StoreUnavailableError:
            breaker.failed()
            return False
        breaker.succeeded()
        return cancelled


def live_message(entry: NewEntry, appended: Appended) -> Mapping[str, Any]:
    """The channel-layer message of an appended event, as the job topic reads it.

    ``seq`` is the event's own number for a ``log`` event; a ``latest`` event has ``rev`` and the log's ``head``.
    """
    message: dict[str, Any] = {
        "type": LIVE_EVENT_TYPE,
        "topic": job_topic(entry.job_id),
        "epoch": appended.epoch,
        "action": entry.action,
        "event": entry.event,
    }
    if entry.delivery == "log":
        message["seq"] = appended.seq
    else:
        message["head"] = appended.seq
        message["rev"] = appended.rev
    return message
