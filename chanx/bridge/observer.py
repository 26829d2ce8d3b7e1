"""Ends what dead workers left behind, and does what is due: whoever looks, a terminal state always arrives.

    leases ─> LeaseWatch: dead ─> each execution that it held ─┬─ told in the result backend ─> that
                                                               ├─ begun, acknowledged early ─> failed
                                                               ├─ begun, acknowledged late ──> interrupted ─┐
                                                               └─ not begun ──> deadline "redelivery" <─────┘
    due deadlines ─> the execution has ended, or goes on ─> nothing; else it is ended here

Several at once are harmless: what they append has the same run id everywhere, and is appended once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from celery import Celery
from typing_extensions import Unpack

from chanx.bridge import outcome
from chanx.bridge.encoding import EntryTerms, Origin, encode_event
from chanx.bridge.entry import Appended, AppendStatus, Deadline, Execution
from chanx.bridge.events import InterruptedPayload, JobEvent, JobInterrupted
from chanx.bridge.lease_watch import LeaseWatch
from chanx.bridge.reporter import end_job
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import JobStore, StoreUnavailableError
from chanx.bridge.transports.base import JobTransport
from chanx.bridge.worker_id import is_on_bus
from chanx.layers.breaker import CircuitBreaker
from chanx.log import log_event, log_throttled

PATIENCE: Final = 2.0
"""Seconds that a parent process has to tell what became of an execution whose process ended without a word."""

ENQUEUE_SECONDS: Final = 300.0
"""How long the start of a job may take until whoever started it counts as dead."""

MAX_EXECUTIONS: Final = 100
"""Executions of one dead worker, and deadlines, that are seen to in one look."""

SLOW_RESULTS: Final = 1.0
"""Seconds that a result backend may take: all other executions wait for it."""

RESULTS_REST: Final = 30.0

TERMINATE_EVERY: Final = 5.0
MAX_TERMINATIONS: Final = 3
MAX_TERMINATED: Final = 1000
"""Tasks of one job that are terminated at once: the list goes to every worker."""

VISIBILITY_TIMEOUT: Final = 3600.0
"""Seconds after which a broker of Celery's delivers a message again that nobody acknowledged, unless it says so."""

QUEUE_SECONDS: Final = 24 * 3600.0
"""Seconds that a message may wait after that until a worker has time for it: a task whose job has failed is not run."""

MARGIN: Final = 60.0
"""The same, for a message of which nobody knows whether it went out."""

UNNAMED: Final = "unknown task"
"""What a task is called of which only the id is known."""


class Observer:
    """One per process and bridge; thread-safe. ``clock`` tells seconds."""

    def __init__(
        self, store: JobStore, transport: JobTransport, app: Celery, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._transport = transport
        self._app = app
        self._clock = clock
        self._watch = LeaseWatch(clock=clock)
        self._results = CircuitBreaker(rest=RESULTS_REST, clock=clock)
        self._looking = threading.Lock()

    def look(self) -> None:
        """One round; to be called every second or two. It does nothing while the store is away, or another one looks.

        It costs two round trips where nothing happened. Blocking.
        """
        if not self._store.is_observed_here or not self._looking.acquire(blocking=False):
            return
        try:
            for worker, renewal in self._watch.dead(self._leases).items():
                self.bury(worker, renewal)
            for deadline in self._store.due_deadlines(limit=MAX_EXECUTIONS):
                if self._is_seen_to(deadline.execution, partial(self._do, deadline)):
                    self._store.clear_deadline(deadline)
        except StoreUnavailableError:
            self._watch.start_anew()
        finally:
            self._looking.release()

    def end_complete(self, job_id: str) -> None:
        """Ends a job that waits for nothing any more, if its tasks have come to anything: whoever had to is dead."""
        end_job(self._transport, Origin(job_id, "", 0, ""), if_decided=True)

    def expect_delivery(self, execution: Execution, *, margin: float = QUEUE_SECONDS) -> None:
        """A worker takes its message (again), or the execution ends as failed. Raises ``StoreUnavailableError``."""
        options: dict[str, object] = self._app.conf.broker_transport_options or {}
        timeout = options.get("visibility_timeout")
        seconds = float(timeout) if isinstance(timeout, int | float) else VISIBILITY_TIMEOUT
        self._store.set_deadline(Deadline("redelivery", execution), seconds=seconds + margin)

    def bury(self, worker: str, renewal: int) -> None:
        """Sees to what a dead worker held, and forgets it at the very end, so that another observer could go on.

        ``renewal`` is the number of its last one. What is left of many executions is seen to at the next call. Raises
        ``StoreUnavailableError``.
        """
        held = self._store.held(worker)
        log_throttled("worker_lost", key=worker, worker=worker, executions=len(held))
        left = len(held)
        expected: set[str] = set()
        for execution in held[:MAX_EXECUTIONS]:
            if self._is_seen_to(execution, partial(self._see_to_lost, worker, execution, expected)):
                self._store.release(worker, [execution.publish_id], run_id=execution.run_id)
                left -= 1
        # A worker that was only suspended may have begun others.
        if not left and self._store.leases().get(worker) == renewal:
            self._store.drop_lease(worker)

    def _leases(self) -> dict[str, int]:
        """Of the workers that one can tell the death of here: of the others word may still be under way, on the bus."""
        leases = self._store.leases()
        return {worker: renewal for worker, renewal in leases.items() if not is_on_bus(worker)}

    def _see_to_lost(self, worker: str, execution: Execution, expected: set[str]) -> bool:
        """Whether it is seen to; ``expected`` are the jobs whose publications are."""
        if execution.job_id not in expected:
            self._expect_publications(worker, execution)
            expected.add(execution.job_id)
        return self._end_lost(execution)

    def _is_seen_to(self, execution: Execution, see_to: Callable[[], bool]) -> bool:
        """What cannot be done to one execution is tried again, and keeps nobody from the others."""
        try:
            return see_to()
        except StoreUnavailableError:
            raise
        except Exception as error:
            log_throttled("job_observer_failed", key=id(self), job_id=execution.job_id, error=repr(error))
            return False

    def _expect_publications(self, worker: str, execution: Execution) -> None:
        """What the worker was about to publish for the job may never have gone out."""
        for publish_id, task_id in self._store.unclaimed(execution.job_id, worker=worker).items():
            name = execution.task_name if task_id == execution.task_id else UNNAMED
            self.expect_delivery(Execution(execution.job_id, publish_id, task_id, name, 0))

    def _end_lost(self, execution: Execution) -> bool:
        """Whether it is seen to."""
        job = self._active_job(execution)
        if job is None or self._is_over(execution):
            return True
        if not execution.run_id and not job.cancel_requested:
            self.expect_delivery(execution)
            return True
        told = self._told(execution, job)
        if told is None and execution.acks_late:
            return self._interrupt(execution)
        return self._end(execution, told or outcome.lost(execution.task_id))

    def _is_over(self, execution: Execution) -> bool:
        """Whether it has ended already; its process may have died before it ended the job, too."""
        pending = self._store.pending(execution.job_id)
        if not pending:
            self.end_complete(execution.job_id)
        return execution.publish_id not in pending

    def _interrupt(self, execution: Execution) -> bool:
        taken_over = replace(execution, run_id=f"{execution.run_id}:interrupted")
        reason = InterruptedPayload(task=execution.task_name, reason=outcome.INTERRUPTED_MESSAGE)
        appended = self._send(
            JobInterrupted(payload=reason),
            execution,
            taken_over.run_id,
            task_id=execution.task_id,
            claims=True,
            execution=replace(execution, run_id=""),
            in_place_of=execution.run_id,
        )
        if appended and appended.status in {AppendStatus.APPENDED, AppendStatus.DUPLICATE}:
            self.expect_delivery(taken_over)
        return appended is not None

    def _do(self, deadline: Deadline) -> bool:
        """Whether it is done with."""
        execution = deadline.execution
        job = self._active_job(execution)
        if job is None:
            return True
        match deadline.kind:
            case "stopped":
                told = self._told(execution, job)
                return self._end(execution, told or outcome.stopped("worker_exited", task_id=execution.task_id))
            case "redelivery":
                if self._goes_on(execution):
                    return True
                return self._end(execution, self._told(execution, job) or outcome.lost(execution.task_id))
            case "enqueue":
                return self._end_start(execution)
            case "terminate":
                self._terminate(execution)
                return True

    def _goes_on(self, execution: Execution) -> bool:
        """Whether the execution was begun after all, or is in the care of another worker."""
        if not execution.run_id and execution.publish_id not in self._store.unclaimed(execution.job_id):
            return True
        held = (held for worker in self._store.leases() for held in self._store.held(worker))
        return any(other.publish_id == execution.publish_id for other in held)

    def _end_start(self, start: Execution) -> bool:
        """Whoever started the job died on the way: what no worker has begun may never have gone out."""
        unclaimed = self._store.unclaimed(start.job_id)
        if start.publish_id not in unclaimed:
            return True
        failed = outcome.stopped("not_enqueued", task_id=start.job_id)
        appended = self._send(failed, start, f"{start.publish_id}:lost", only_if_queued=True)
        if appended is None or appended.status is not AppendStatus.REFUSED:
            return appended is not None
        if start.is_root:  # its only task was begun, and is to be begun again
            return True
        for publish_id in unclaimed.keys() - {start.publish_id}:
            other = Execution(start.job_id, publish_id, unclaimed[publish_id], UNNAMED, 0)
            self.expect_delivery(other, margin=MARGIN)
        if self._store.drop_pending(start.job_id, [start.publish_id]):
            end_job(self._transport, Origin(start.job_id, start.task_id, start.attempt, ""))
        return True

    def _terminate(self, execution: Execution) -> None:
        """Has the workers terminate what the job still runs; ``attempt`` (0, 1, 2, …) counts how often they had to."""
        task_ids = list(dict.fromkeys(self._store.pending(execution.job_id).values()))[:MAX_TERMINATED]
        if execution.attempt + 1 < MAX_TERMINATIONS:
            again = Deadline("terminate", replace(execution, attempt=execution.attempt + 1))
            self._store.set_deadline(again, seconds=TERMINATE_EVERY)
        try:
            self._app.control.revoke(task_ids, terminate=True)
        except Exception as error:  # whatever the broker's library raises when it is away
            log_throttled("revoke_failed", key=id(self), task_ids=task_ids[:10], error=str(error))

    def _active_job(self, execution: Execution) -> JobSnapshot | None:
        job = self._store.snapshot(execution.job_id)
        return None if job is None or job.state.is_terminal else job

    def _told(self, execution: Execution, job: JobSnapshot) -> JobEvent | None:
        """How the execution ended, if somebody can tell; one of a cancelled job has no reason to go on."""
        told = self._stored(execution) if execution.run_id else None
        if told is None and job.cancel_requested:
            return outcome.cancelled(job.cancel_reason)
        return told

    def _stored(self, execution: Execution) -> JobEvent | None:
        """What the result backend knows; one that takes long to say nothing is not asked again for a while."""
        if not self._results.allows():
            return None
        asked_at = self._clock()
        told = outcome.stored(self._app, execution.task_id)
        if told is None and self._clock() - asked_at > SLOW_RESULTS:
            self._results.failed()
        else:
            self._results.succeeded()
        return told

    def _end(self, execution: Execution, event: JobEvent) -> bool:
        """Tells how it ended, unless another run goes on with it; whether that got through."""
        if execution.task_name in outcome.HELPERS:
            if self._store.drop_pending(execution.job_id, [execution.publish_id]):
                end_job(self._transport, _origin(execution, ""))
            return True
        told = event if execution.is_root else outcome.as_nested(event, execution.task_name)
        run_id = f"{execution.run_id or execution.publish_id}:lost"
        terms = EntryTerms(ending=outcome.ending_of(event, execution.publish_id))
        if execution.run_id:
            terms |= EntryTerms(task_id=execution.task_id, claims=True, in_place_of=execution.run_id)
        appended = self._send(told, execution, run_id, **terms)
        if appended and appended.complete:
            end_job(self._transport, _origin(execution, run_id), if_decided=True)
        return appended is not None

    def _send(self, event: JobEvent, about: Execution, run_id: str, /, **terms: Unpack[EntryTerms]) -> Appended | None:
        appended = self._transport.send(encode_event(event, _origin(about, run_id), 1, **terms))
        if appended and appended.status is AppendStatus.APPENDED:
            log_event("job_execution_lost", job_id=about.job_id, task_id=about.task_id, action=event.action)
        return appended


def _origin(execution: Execution, run_id: str) -> Origin:
    return Origin(execution.job_id, execution.task_id, execution.attempt, run_id)
