"""The lease of this worker: that it lives, and which executions are in its care.

a thread of its own, once a second ──────────> renew_lease
janitor ─┬─ received, and waiting for a child ─> hold       so that a message that is lost with the worker is missed
         ├─ begun, and the child is dead ──────> deadline   unless the parent process tells how it ended
         └─ begun, and Celery is done with it ─> deadline   the store may have lost how it ended, with its newest writes
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container
from itertools import islice
from typing import Any, Final

from celery.worker import state

from chanx.bridge.context import JobContext
from chanx.bridge.entry import Deadline, Execution
from chanx.bridge.installed import Bridge, bridge_or_none
from chanx.bridge.outgoing import is_alive
from chanx.bridge.store.base import StoreUnavailableError
from chanx.core.failures import log_failure

INTERVAL: Final = 1.0

MAX_RECEIVED: Final = 1000
"""Of what a worker has received, only so much is held: what comes first, also begins first."""

LOST_CHILD_PATIENCE: Final = 15.0
"""Seconds that the parent has to tell of a child that is dead: Celery's pool itself waits 10 for a last word of it."""

DONE_PATIENCE: Final = 60.0
"""Seconds that a child has to tell the end of what Celery is done with: it may have waited for the store."""


class Lease:
    """Of one worker, in its parent process. ``interval`` in seconds, which ``clock`` tells.

    It is renewed by a thread that does nothing else: whatever takes its time must not make the worker seem dead.
    """

    def __init__(
        self,
        bridge: Bridge,
        worker: str,
        *,
        interval: float = INTERVAL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bridge = bridge
        self._store = bridge.store
        self._worker = worker
        self._interval = interval
        self._clock = clock
        self._done: dict[str, float] = {}  # runs that Celery is done with and the store is not, and since when
        self._received: set[str] = set()
        self._holds: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chanx-lease", daemon=True)

    def start(self) -> None:
        """From now on others take the worker for dead if it does not renew."""
        self._renew()
        self._thread.start()

    def stop(self) -> None:
        """The worker has stopped. If it still has executions, the lease lapses, and others see to them."""
        self._stopped.set()
        self._thread.join(2 * self._interval)
        try:
            held = self._store.held(self._worker)
            # The broker delivers what no child has begun to somebody else.
            self._store.release(self._worker, [execution.publish_id for execution in held], run_id="")
            if not any(execution.run_id for execution in held):
                self._store.drop_lease(self._worker)
        except StoreUnavailableError:
            pass

    def look(self) -> None:
        """Brings what the worker holds up to date. Raises ``StoreUnavailableError``."""
        received = self._all_received()
        waiting = [received[publish_id] for publish_id in (received.keys() & self._received) - self._holds]
        if waiting:
            self._store.hold(self._worker, waiting)
            self._holds.update(execution.publish_id for execution in waiting)
        gone: list[str] = []
        done: dict[str, float] = {}
        for execution in self._store.held(self._worker):
            if execution.run_id:
                if not is_alive(execution.pid):
                    self._hand_over(execution)
                elif not _is_known(execution.task_id):
                    done[execution.run_id] = self._done.get(execution.run_id, self._clock())
                    if self._clock() - done[execution.run_id] >= DONE_PATIENCE:
                        self._expect_end(execution)
            elif execution.publish_id not in received and execution.publish_id not in self._received:
                gone.append(execution.publish_id)
        if gone:
            self._store.release(self._worker, gone, run_id="")
        self._done = done
        self._received = set(received)
        self._holds &= self._received

    def _hand_over(self, execution: Execution) -> None:
        """Its process is dead: the parent tells what became of it, or has the message delivered again, or neither."""
        if execution.acks_late:
            self._bridge.observer.expect_delivery(execution)
            self._store.release(self._worker, [execution.publish_id], run_id=execution.run_id)
        else:
            self._expect_end(execution)

    def _expect_end(self, execution: Execution) -> None:
        self._store.set_deadline(Deadline("stopped", execution), seconds=LOST_CHILD_PATIENCE)
        self._store.release(self._worker, [execution.publish_id], run_id=execution.run_id)

    def _all_received(self) -> dict[str, Execution]:
        """The messages that Celery has received and not done with, by publish id; none that waits for its time."""
        executions: dict[str, Execution] = {}
        scheduled: Container[Any] = getattr(state, "scheduled_requests", ())  # older Celery has them elsewhere
        requests = (request for request in tuple(state.requests.values()) if request not in scheduled)
        for request in islice(requests, MAX_RECEIVED):
            context = JobContext.from_headers(request.request_dict)
            if context is not None and context.publish_id and bridge_or_none(request.app) is self._bridge:
                executions[context.publish_id] = Execution(
                    context.job_id,
                    context.publish_id,
                    request.id,
                    request.name,
                    (request.request_dict.get("retries") or 0) + 1,
                    acks_late=bool(request.task.acks_late),
                    is_root=context.is_root(request.id),
                )
        return executions

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            self._renew()

    def _renew(self) -> None:
        try:
            self._store.renew_lease(self._worker)
        except StoreUnavailableError:
            pass  # nobody takes a worker for dead because of a store that is away
        except Exception as error:  # a custom store's: the next renewal may work
            log_failure("lease_not_renewed", error)


def _is_known(task_id: str) -> bool:
    """Whether Celery has a message of the task, or runs it; a lost connection to the broker takes only the former."""
    if task_id in state.requests:
        return True
    try:
        return any(request.id == task_id for request in state.active_requests)
    except RuntimeError:  # another thread has changed it: the next look tells
        return True
