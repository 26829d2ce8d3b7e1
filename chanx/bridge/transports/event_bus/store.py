"""The job store of workers on the bus: each method is a call that a relay makes on the site's job store.

append ─┬─ begins or ends something, or a second has passed ─> waits for the relay's answer, a moment
        └─ else ─> on its way to the broker: answered from what the relay said last
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from chanx.bridge.entry import Appended, AppendStatus, Deadline, Execution, Head, JobOutcome, LogPage, NewEntry
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from chanx.bridge.transports.backlog import is_lifecycle
from chanx.bridge.transports.event_bus.bus import Bus, BusUnavailableError
from chanx.bridge.transports.event_bus.caller import ANSWER_SECONDS, BusCaller
from chanx.bridge.transports.event_bus.calls import (
    Operation,
    control_queue,
    error_of,
    operations,
    partition_of,
    partition_queue,
    plain_call,
)
from chanx.bridge.transports.event_bus.newest import Newest
from chanx.bridge.worker_id import is_on_bus, off_bus, on_bus
from chanx.errors import ConfigurationError
from chanx.layers import Publisher
from chanx.utils.process import PerProcess

BUS_NAME: Final = "chanx"

HEARD_SECONDS: Final = 1.0
"""How old may be what is known of a job's cancellation."""

RENEW_SECONDS: Final = 10.0
"""How often a lease is renewed while no relay answers: the renewals wait in the broker meanwhile."""

_NO_ANSWER: Final = object()
_TAKEN: Final = frozenset({AppendStatus.APPENDED, AppendStatus.HELD, AppendStatus.DUPLICATE})


def valid_bus_name(name: str) -> str:
    """``name`` itself; ``ConfigurationError`` for one that no queue can be called after."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,50}", name):
        raise ConfigurationError(f"The event bus {name!r}: use 1 to 50 of the characters A-Z a-z 0-9 _ - for its name")
    return name


class EventBusStore(JobStore):
    """What it is told the broker has, whether or not a relay is there to do it.

    An event that changes no state is on its way to the broker only. It is sent again, in order, should the connection
    break; the broker has it before the next state, question or other call of this process, half a second later at most.

    A question that only a relay can answer raises ``StoreUnavailableError`` where none does. ``name`` is that of the
    bus, the same for its workers and its relays: a broker may carry several. ``answer_seconds`` bounds each wait.
    """

    is_observed_here = False

    def __init__(
        self,
        bus: Bus,
        *,
        name: str = BUS_NAME,
        answer_seconds: float = ANSWER_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._clock = clock
        self._caller = BusCaller(bus, answer_seconds=answer_seconds, clock=clock)
        self._known = PerProcess(_Known)

    def tell(self, kind: str, channel: str, message: Mapping[str, Any]) -> None:
        """Has a relay send a message to a group or a channel of the site's layer. Raises ``StoreUnavailableError``."""
        queue = partition_queue(self._name, partition_of(channel))
        self._caller.post(queue, plain_call("tell", {"kind": kind, "name": channel, "message": message}))

    def create(
        self,
        record: JobRecord,
        *,
        pending: Mapping[str, str] | None = None,
        tasks: Mapping[str, bool] | None = None,
        first: NewEntry | None = None,
        max_active: int | None = None,
    ) -> str:
        created: str = self._ask(
            "create", record.job_id, record=record, pending=pending, tasks=tasks, first=first, max_active=max_active
        )
        return created

    def append(self, entry: NewEntry) -> Appended:
        known, now = self._known.get(), self._clock()
        if entry.worker:
            entry = replace(entry, worker=on_bus(entry.worker))
        if entry.execution is not None:
            known.jobs.put(entry.execution.publish_id, entry.job_id)
        cancelled, heard_at = known.cancelled.get(entry.job_id) or (False, None)
        is_decisive = is_lifecycle(entry) or entry.only_if_queued or entry.only_if_complete
        before = known.told.get(entry.run_id) or 0
        after = before if before < entry.n else 0
        appended: Any = _NO_ANSWER
        if is_decisive or heard_at is None or now - heard_at >= HEARD_SECONDS:
            appended = self._ask_if_heard("append", entry.job_id, after=after, entry=entry)
        else:
            self._caller.post(self._queue(entry.job_id), operations()["append"].call({"entry": entry}, after=after))
        if appended is _NO_ANSWER or appended.status in _TAKEN:
            known.told.put(entry.run_id, max(before, entry.n))
        if appended is _NO_ANSWER:
            if heard_at is None or now - heard_at >= HEARD_SECONDS:
                known.cancelled.put(entry.job_id, (cancelled, now))  # nor is it asked again before the next second
            return Appended(AppendStatus.APPENDED, cancelled=cancelled, announced=True)
        known.cancelled.put(entry.job_id, (appended.cancelled, now))
        answered: Appended = appended
        return answered

    def announcing_append(self, publisher: Publisher) -> Callable[[NewEntry], Appended]:
        # The relay tells the watchers.
        return lambda entry: replace(self.append(entry), announced=True)

    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        page: LogPage | None = self._ask("read", job_id, after=after, limit=limit)
        return page

    def snapshot(self, job_id: str) -> JobSnapshot | None:
        job: JobSnapshot | None = self._ask("snapshot", job_id)
        return job

    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        return [head for job_id in job_ids for head in self._heads_of(job_id)]

    def _heads_of(self, job_id: str) -> list[Head | None]:
        # One by one: each after all that was told of its job.
        answer = self._call("heads", partition_queue(self._name, partition_of(job_id)), {"job_ids": [job_id]})
        heads: list[Head | None] = answer
        return heads

    def delete(self, job_id: str) -> bool:
        return bool(self._ask("delete", job_id))

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        worker = on_bus(worker) if worker else ""
        return bool(self._ask("add_pending", job_id, publish_id=publish_id, task_id=task_id, worker=worker))

    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        return bool(self._ask("drop_pending", job_id, publish_ids=list(publish_ids)))

    def pending(self, job_id: str) -> dict[str, str]:
        found: dict[str, str] = self._ask("pending", job_id)
        return found

    def unclaimed(self, job_id: str, *, worker: str | None = None) -> dict[str, str]:
        found: dict[str, str] = self._ask("unclaimed", job_id, worker=on_bus(worker) if worker else worker)
        return found

    def outcome(self, job_id: str) -> JobOutcome | None:
        outcome: JobOutcome | None = self._ask("outcome", job_id)
        return outcome

    def renew_lease(self, worker: str) -> None:
        known, now = self._known.get(), self._clock()
        if not self._caller.is_heard and now - known.renewed_at < RENEW_SECONDS:
            return
        # With an answer, so that it shows whether a relay is there.
        operation, queue = operations()["renew_lease"], control_queue(self._name)
        self._caller.ask(queue, _body(operation, {"worker": on_bus(worker)}), is_needed=False)
        known.renewed_at = now

    def leases(self) -> dict[str, int]:
        """Those of workers on the bus."""
        found: dict[str, int] = self._call("leases", control_queue(self._name), {})
        return {off_bus(worker): number for worker, number in found.items() if is_on_bus(worker)}

    def drop_lease(self, worker: str) -> None:
        self._put("drop_lease", worker=on_bus(worker))

    def hold(self, worker: str, executions: Sequence[Execution]) -> None:
        self._remember(executions)
        self._put("hold", worker=on_bus(worker), executions=list(executions))

    def held(self, worker: str) -> list[Execution]:
        executions: list[Execution] = self._call("held", control_queue(self._name), {"worker": on_bus(worker)})
        self._remember(executions)
        return executions

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        # After the claims, which go to the partitions of their jobs.
        jobs = self._known.get().jobs
        places: defaultdict[str, list[str]] = defaultdict(list)
        for publish_id in publish_ids:
            places[self._queue(jobs.get(publish_id))].append(publish_id)
        for queue, there in places.items():
            arguments = {"worker": on_bus(worker), "publish_ids": there, "run_id": run_id}
            self._caller.put(queue, operations()["release"].call(arguments))

    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        self._put("set_deadline", deadline.execution.job_id, deadline=deadline, seconds=seconds)

    def due_deadlines(self, *, limit: int = 100) -> list[Deadline]:
        due: list[Deadline] = self._call("due_deadlines", control_queue(self._name), {"limit": limit})
        return due

    def clear_deadline(self, deadline: Deadline) -> None:
        self._put("clear_deadline", deadline.execution.job_id, deadline=deadline)

    def jobs_of(
        self, owner: str, *, limit: int = 50, before: datetime | None = None, before_id: str = ""
    ) -> list[JobSnapshot]:
        arguments = {"owner": owner, "limit": limit, "before": before, "before_id": before_id}
        jobs: list[JobSnapshot] = self._call("jobs_of", control_queue(self._name), arguments)
        return jobs

    def all_jobs(self, *, limit: int = 50, before: datetime | None = None, before_id: str = "") -> list[JobSnapshot]:
        arguments = {"limit": limit, "before": before, "before_id": before_id}
        jobs: list[JobSnapshot] = self._call("all_jobs", control_queue(self._name), arguments)
        return jobs

    def request_cancel(self, job_id: str, *, reason: str | None = None) -> JobState | None:
        state: JobState | None = self._ask("request_cancel", job_id, reason=reason)
        self._known.get().cancelled.forget(job_id)
        return state

    def is_cancelled(self, job_id: str) -> bool:
        known, now = self._known.get(), self._clock()
        cancelled, heard_at = known.cancelled.get(job_id) or (False, None)
        if cancelled or (heard_at is not None and now - heard_at < HEARD_SECONDS):
            return cancelled
        answer = self._ask_if_heard("is_cancelled", job_id)
        if answer is _NO_ANSWER:
            return cancelled
        known.cancelled.put(job_id, (bool(answer), now))
        return bool(answer)

    def close(self) -> None:
        self._caller.close()

    def _remember(self, executions: Sequence[Execution]) -> None:
        jobs = self._known.get().jobs
        for execution in executions:
            jobs.put(execution.publish_id, execution.job_id)

    def _queue(self, job_id: str | None) -> str:
        return control_queue(self._name) if job_id is None else partition_queue(self._name, partition_of(job_id))

    def _put(self, name: str, job_id: str | None = None, **arguments: Any) -> None:
        operation = operations()[name]
        if "job_id" in operation.names:
            arguments["job_id"] = job_id
        self._caller.put(self._queue(job_id), operation.call(arguments))

    def _ask(self, name: str, job_id: str, **arguments: Any) -> Any:
        if "job_id" in operations()[name].names:
            arguments["job_id"] = job_id
        return self._call(name, self._queue(job_id), arguments)

    def _ask_if_heard(self, name: str, job_id: str, *, after: int = 0, **arguments: Any) -> Any:
        operation = operations()[name]
        if "job_id" in operation.names:
            arguments["job_id"] = job_id
        answer = self._caller.ask(self._queue(job_id), _body(operation, arguments, after), is_needed=False)
        return _NO_ANSWER if answer is None else _value(operation, answer)

    def _call(self, name: str, queue: str, arguments: Mapping[str, Any]) -> Any:
        operation = operations()[name]
        answer = self._caller.ask(queue, _body(operation, arguments))
        if answer is None:
            raise BusUnavailableError(f"No relay answered to {name} in time.")
        return _value(operation, answer)


class _Known:
    """What a process knows of jobs: whether they are cancelled, as heard when, whose the executions are, what is told.

    ``told`` has the newest ``n`` of each run.
    """

    def __init__(self) -> None:
        self.cancelled: Newest[tuple[bool, float]] = Newest()
        self.jobs: Newest[str] = Newest()
        self.told: Newest[int] = Newest()
        self.renewed_at = float("-inf")


def _body(operation: Operation, arguments: Mapping[str, Any], after: int = 0) -> Callable[[str, str], bytes]:
    return lambda ticket, reply_to: operation.call(arguments, ticket=ticket, reply_to=reply_to, after=after)


def _value(operation: Operation, answer: Mapping[str, Any]) -> Any:
    error = error_of(answer)
    if error is not None:
        raise error
    return operation.read_answer(answer["value"])
