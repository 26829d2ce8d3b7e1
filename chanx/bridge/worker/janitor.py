"""A thread of every worker's parent process that ends executions which stopped without saying how.

A child that is terminated, or leaves by SystemExit, only tells that its task is over. Its parent usually tells the
rest, older Celery does not. Of a worker that dies as a whole nobody tells: then any other one ends what it had. What a
killed child was about to publish is dropped: nobody would ever run it.
"""

from __future__ import annotations

import threading
from typing import Any

from celery.signals import worker_init, worker_ready, worker_shutdown

from chanx.bridge.encoding import Origin
from chanx.bridge.installed import Bridge, bridge_or_none
from chanx.bridge.outgoing import OUTGOING, LeftBehind
from chanx.bridge.reporter import end_job
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.worker import parent
from chanx.bridge.worker.lease import INTERVAL, Lease
from chanx.bridge.worker.unconfirmed import UNCONFIRMED
from chanx.bridge.worker_id import WORKER
from chanx.core.failures import log_failure

_ATTRIBUTE = "chanx_janitor"


class Janitor:
    """Of the worker of that id. Looks once a second, with three round trips to the store where nothing happened."""

    def __init__(self, bridge: Bridge, worker: str, *, interval: float = INTERVAL) -> None:
        self._bridge = bridge
        self._lease = Lease(bridge, worker, interval=interval)
        self._interval = interval
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chanx-janitor", daemon=True)

    def start(self) -> None:
        self._lease.start()
        self._thread.start()

    def stop(self) -> None:
        """Waits for a look that is going on, a second at most."""
        self._stopped.set()
        self._thread.join(1.0)
        self._lease.stop()

    def look(self) -> None:
        """One round: sends what the parent could not send, drops what it could not publish, ends what nobody ends."""
        for part in (
            parent.REPORTS.get().retry,
            UNCONFIRMED.get().give_up_old,
            self._lease.look,
            self._drop_left_behind,
            self._bridge.observer.look,
        ):
            try:
                part()
            except StoreUnavailableError:
                pass
            except Exception as error:  # nobody else would notice, and the others do not depend on it
                log_failure("janitor_failed", error)

    def _run(self) -> None:
        while not self._stopped.wait(self._interval):
            self.look()

    def _drop_left_behind(self) -> None:
        for message in OUTGOING.left_behind():
            self._drop(message)

    def _drop(self, message: LeftBehind) -> None:
        """Its job does not wait for it any more."""
        store = self._bridge.store
        complete = store.drop_pending(message.job_id, [message.publish_id])
        job = store.snapshot(message.job_id) if complete else None
        if job is not None:
            end_job(self._bridge.transport, Origin(job.job_id, job.task_id, 1, ""))
        OUTGOING.clear(message.place)


def connect() -> None:
    """Has every worker of an app with a bridge run a janitor."""
    worker_init.connect(_on_init, weak=False, dispatch_uid="chanx.bridge.outgoing.share")
    worker_ready.connect(_on_ready, weak=False, dispatch_uid="chanx.bridge.janitor.start")
    worker_shutdown.connect(_on_shutdown, weak=False, dispatch_uid="chanx.bridge.janitor.stop")


def _on_init(**_: Any) -> None:
    OUTGOING.share()
    WORKER.mint()


def _on_ready(sender: Any = None, **_: Any) -> None:
    bridge = bridge_or_none(sender.app)
    if bridge is not None:
        janitor = Janitor(bridge, WORKER.current or WORKER.mint())
        setattr(bridge.app, _ATTRIBUTE, janitor)
        janitor.start()


def _on_shutdown(sender: Any = None, **_: Any) -> None:
    janitor = getattr(sender.app, _ATTRIBUTE, None)
    if janitor is not None:
        janitor.stop()
    WORKER.forget()
