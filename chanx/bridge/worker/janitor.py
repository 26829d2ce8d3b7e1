"""A thread of every worker's parent process that ends executions which stopped without saying how.

A child that is terminated, or leaves by SystemExit, only tells that its task is over. Its parent usually tells the
rest, older Celery does not; then whichever worker is there does it, as the suspects are in the store. What a killed
child was about to publish is dropped too: nobody would ever run it.
"""

from __future__ import annotations

import threading
from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutdown

from chanx.bridge import outcome
from chanx.bridge.context import JobContext
from chanx.bridge.encoding import Origin
from chanx.bridge.entry import Suspect
from chanx.bridge.installed import Bridge, bridge_or_none
from chanx.bridge.outgoing import OUTGOING, LeftBehind
from chanx.bridge.reporter import end_job
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.worker import parent
from chanx.bridge.worker.received import ReceivedTask
from chanx.bridge.worker.unconfirmed import UNCONFIRMED
from chanx.core.failures import log_failure

INTERVAL = 1.0
PATIENCE = 2.0
"""Seconds that the parent process has to tell what became of an execution."""

_ATTRIBUTE = "chanx_janitor"


class Janitor:
    """Looks once a second, with one round trip to the store. ``patience`` in seconds."""

    def __init__(self, bridge: Bridge, *, interval: float = INTERVAL, patience: float = PATIENCE) -> None:
        self._bridge = bridge
        self._interval = interval
        self._patience = patience
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chanx-janitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Waits for a look that is going on, a second at most."""
        self._stopped.set()
        self._thread.join(1.0)

    def look(self) -> None:
        """One round: sends what the parent could not send, drops what it could not publish, ends the suspects."""
        parent.REPORTS.get().retry()
        UNCONFIRMED.get().give_up_old()
        for suspect in self._bridge.transport.suspects(older_than=self._patience):
            if self._end(suspect):
                self._bridge.transport.clear_suspect(suspect)
        for message in OUTGOING.left_behind():
            if self._drop(message):
                OUTGOING.clear(message.place)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            try:
                self.look()
            except Exception as error:  # nobody else would notice, and the next look may work
                log_failure("janitor_failed", error)

    def _drop(self, message: LeftBehind) -> bool:
        """Whether its job does not wait for it any more."""
        store = self._bridge.store
        try:
            complete = store.drop_pending(message.job_id, [message.publish_id])
            job = store.snapshot(message.job_id) if complete else None
        except StoreUnavailableError:
            return False
        if job is not None:
            end_job(self._bridge.transport, Origin(job.job_id, job.task_id, 1, ""))
        return True

    def _end(self, suspect: Suspect) -> bool:
        """Whether it is known now what became of it."""
        try:
            job = self._bridge.store.snapshot(suspect.job_id)
        except StoreUnavailableError:
            return False
        if job is None or job.state.is_terminal:
            return True
        context = JobContext(job.job_id, job.owner, job.task_id, publish_id=suspect.publish_id)
        received = ReceivedTask(self._bridge, context, suspect.task_id, suspect.task_name, suspect.attempt)
        return parent.end_now(received, outcome.stopped("worker_exited", task_id=suspect.task_id))


def connect() -> None:
    """Has every worker of an app with a bridge run a janitor."""
    worker_init.connect(_on_init, weak=False, dispatch_uid="chanx.bridge.outgoing.share")
    worker_ready.connect(_on_ready, weak=False, dispatch_uid="chanx.bridge.janitor.start")
    worker_shutdown.connect(_on_shutdown, weak=False, dispatch_uid="chanx.bridge.janitor.stop")


def _on_init(**_: Any) -> None:
    OUTGOING.share()


def _on_ready(sender: Any = None, **_: Any) -> None:
    bridge = bridge_or_none(sender.app)
    if bridge is not None:
        janitor = Janitor(bridge)
        setattr(bridge.app, _ATTRIBUTE, janitor)
        janitor.start()


def _on_shutdown(sender: Any = None, **_: Any) -> None:
    janitor = getattr(sender.app, _ATTRIBUTE, None)
    if janitor is not None:
        janitor.stop()
