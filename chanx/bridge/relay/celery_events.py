"""Celery's own worker events become job events, for workers whose code nobody may change.

celery -E: task-started, … ─> two seconds ─> has nobody told that of the job? ─> job_started, job_succeeded, …

A worker with the bridge tells by itself, and in time. Several relays that listen are harmless: what they tell has the
same run id, and is appended once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kombu import Connection
from typing_extensions import Unpack

from chanx.bridge import outcome
from chanx.bridge.encoding import EntryTerms, Origin, encode_event
from chanx.bridge.entry import Execution
from chanx.bridge.events import JobEvent, JobStarted, JobSucceeded, SucceededPayload
from chanx.bridge.installed import Bridge
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.transports.event_bus.newest import Newest
from chanx.core.failures import log_failure
from chanx.log import log_throttled

PATIENCE: Final = 2.0
"""Seconds that a worker has to tell by itself."""

LISTED_JOBS: Final = 200
"""The newest jobs are looked through for a task, at most so many."""

MAX_WAITING: Final = 10_000

_TIMEOUT: Final = 0.5
_BROKER_REST: Final = 1.0
_ENDS: Final = frozenset({"task-succeeded", "task-failed", "task-revoked", "task-rejected"})
_HEARD: Final = _ENDS | {"task-started", "task-retried"}


@dataclass(frozen=True, slots=True)
class _Task:
    """What is known of an execution: ``publish_id`` is the one by which its job waits for it."""

    job: JobSnapshot
    publish_id: str


class CeleryEvents:
    """Tells of a bridge's jobs what Celery's events say. ``hear`` and ``tell_due`` are for one thread."""

    def __init__(self, bridge: Bridge, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._bridge = bridge
        self._store = bridge.store
        self._clock = clock
        self._waiting: deque[tuple[float, Mapping[str, Any]]] = deque(maxlen=MAX_WAITING)
        self._received: Newest[tuple[str, int]] = Newest()  # task id -> its name, and which attempt it is
        self._tasks: dict[str, _Task] = {}
        self._listed_at = float("-inf")

    def listen(self, connection: Connection, stopped: threading.Event) -> None:
        """Returns when ``stopped`` is set; a broker that is away is waited for."""
        app: Any = self._bridge.app
        while not stopped.is_set():
            try:
                with connection.clone() as open_connection:
                    receiver = app.events.Receiver(open_connection, handlers={"*": self.hear})
                    with receiver.consumer_context() as (its_own, _, _):
                        while not stopped.is_set():
                            self._drain(its_own)
                            self.tell_due()
            except Exception as error:  # whatever the broker's library raises; nobody else would notice
                log_throttled("celery_events_away", key=id(self), error=repr(error))
                stopped.wait(_BROKER_REST)

    def hear(self, event: Mapping[str, Any]) -> None:
        """An event came."""
        kind, task_id = event.get("type"), event.get("uuid")
        if kind == "task-received":
            self._received.put(str(task_id), (str(event.get("name")), int(event.get("retries") or 0) + 1))
        elif kind in _HEARD:
            self._waiting.append((self._clock() + PATIENCE, event))

    def tell_due(self) -> None:
        """Tells what nobody has told meanwhile; while the store is away it waits."""
        while self._waiting and self._waiting[0][0] <= self._clock():
            try:
                due, event = self._waiting[0]
                self._tell(event, heard_at=due - PATIENCE)
            except StoreUnavailableError as error:
                log_throttled("relay_store_away", key=id(self), error=str(error))
                return
            except Exception as error:  # of another version's event, say
                log_failure("celery_event_not_told", error)
            self._waiting.popleft()

    def _drain(self, connection: Connection) -> None:
        try:
            connection.drain_events(timeout=_TIMEOUT)
        except TimeoutError:
            return

    def _tell(self, event: Mapping[str, Any], *, heard_at: float) -> None:
        kind, task_id = str(event["type"]), str(event["uuid"])
        task = self._task(task_id, known_since=heard_at)
        if task is None:
            return
        if kind == "task-started":
            if task.publish_id in self._store.unclaimed(task.job.job_id):
                begun = self._begun(task_id, task)
                self._send(task, task_id, JobStarted(), 1, task_id=task_id, claims=True, execution=begun)
            return
        if task.publish_id not in self._store.pending(task.job.job_id):
            return
        told = self._end(kind, task_id, expired=bool(event.get("expired")))
        if kind in _ENDS:
            self._send(task, task_id, told, 2, ending=outcome.ending_of(told, task.publish_id))
            self._bridge.observer.end_complete(task.job.job_id)
        else:  # the same message comes again, and the job waits for it
            self._send(task, task_id, told, 2)

    def _end(self, kind: str, task_id: str, *, expired: bool) -> JobEvent:
        if kind == "task-retried":
            return outcome.retrying(RuntimeError())
        stored = outcome.stored(self._bridge.app, task_id)
        if stored is not None:
            return stored
        match kind:
            case "task-succeeded":
                # The event has a shortened text of the result only.
                return JobSucceeded(payload=SucceededPayload(result_omitted=True))
            case "task-failed":
                return outcome.failed(RuntimeError(), task_id=task_id)
            case "task-rejected":
                return outcome.stopped("rejected", task_id=task_id)
            case _:
                return outcome.stopped("expired", task_id=task_id) if expired else outcome.cancelled()

    def _send(self, task: _Task, task_id: str, event: JobEvent, n: int, /, **terms: Unpack[EntryTerms]) -> None:
        begun = self._begun(task_id, task)
        told = event if begun.is_root else outcome.as_nested(event, begun.task_name)
        origin = Origin(begun.job_id, task_id, begun.attempt, begun.run_id)
        if self._bridge.transport.send(encode_event(told, origin, n, **terms)) is None:
            raise StoreUnavailableError("The event waits in this process for the store.")

    def _begun(self, task_id: str, task: _Task) -> Execution:
        name, attempt = self._received.get(task_id) or (task.job.name, 1)
        run_id = f"{task.publish_id}:{attempt}:celery"
        is_root = task_id == task.job.task_id
        return Execution(task.job.job_id, task.publish_id, task_id, name, attempt, run_id=run_id, is_root=is_root)

    def _task(self, task_id: str, *, known_since: float) -> _Task | None:
        """The task of a job that has not ended; None for any other."""
        if task_id not in self._tasks and self._listed_at <= known_since:
            self._tasks = {
                each: _Task(job, publish_id)
                for job in self._store.all_jobs(limit=LISTED_JOBS)
                if not job.state.is_terminal
                for publish_id, each in self._store.pending(job.job_id).items()
            }
            self._listed_at = self._clock()
        return self._tasks.get(task_id)
