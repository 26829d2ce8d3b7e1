"""The bridge of a Celery app: its job store and its transport, found again through the app."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

from celery import Celery
from celery.utils.dispatch import Signal

from chanx.bridge.access import DEFAULT_ACCESS, Access
from chanx.bridge.entry import AppendStatus
from chanx.bridge.events import JobCancelledEvent, JobCancelRequested, ReasonPayload
from chanx.bridge.observer import Observer
from chanx.bridge.reporter import JobReporter
from chanx.bridge.signal_events import SignalEvent, connect_event
from chanx.bridge.states import JobState
from chanx.bridge.store.async_store import AsyncJobStore
from chanx.bridge.store.base import JobStore
from chanx.bridge.tokens import WATCHING, JobAction, issued_token
from chanx.bridge.transports.base import JobTransport
from chanx.bridge.watch import Watch
from chanx.errors import ConfigurationError, JobNotFoundError
from chanx.log import log_throttled

T = TypeVar("T", bound=SignalEvent)

_ATTRIBUTE = "chanx_bridge"

MAX_REVOKED = 1000
"""Tasks of one job that Celery is asked to revoke, at most: the list goes to every worker."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """What :func:`chanx.bridge.install` made of a Celery app. Use it to look at jobs and to cancel them from code."""

    app: Celery
    store: JobStore
    transport: JobTransport
    watch: Watch | None = None
    access: Access = DEFAULT_ACCESS
    max_active_jobs: int | None = None
    observer: Observer = field(init=False)
    async_store: AsyncJobStore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "observer", Observer(self.store, self.transport, self.app))
        object.__setattr__(self, "async_store", AsyncJobStore(self.store, observer=self.observer))

    def cancel(self, job_id: str, *, reason: str | None = None) -> JobState:
        """Asks a job to stop; returns its state now. Blocking: from async code run it in a thread.

        A job that no worker has begun ends here and now. A running one stops at its next step. One that has ended
        stays as it is. Raises :class:`JobNotFoundError`, or ``StoreUnavailableError`` where the store is away.
        """
        before = self.store.snapshot(job_id)
        state = self.store.request_cancel(job_id) if before else None
        if before is None or state is None:
            raise JobNotFoundError(f"There is no job {job_id}: it never was, or its retention is over.")
        if state.is_terminal:
            return state
        tasks = list(dict.fromkeys([before.task_id, *self.store.pending(job_id).values()]))[:MAX_REVOKED]
        payload = ReasonPayload(reason=reason)
        reporter = JobReporter(self.transport, job_id=job_id, task_id=before.task_id, attempt=before.attempt)
        if not before.cancel_requested:
            reporter.send(JobCancelRequested(payload=payload))
        # Also when it was asked for before: whoever did may have been cut short here.
        ended = reporter.send(JobCancelledEvent(payload=payload), only_if_queued=True)
        if not before.cancel_requested:
            self._revoke(tasks)
        return JobState.CANCELLED if ended and ended.status is AppendStatus.APPENDED else state

    def token(self, job_id: str, *, actions: Collection[JobAction] = WATCHING, expires_in: float = 3600.0) -> str:
        """A signed token for a page that nobody is signed in to: who has it may watch this job, for so many seconds.

        The client sends it as ``"token"`` in the payload of ``subscribe``, or in the header ``Authorization: Bearer``;
        never put it into a URL. With ``actions=("subscribe", "cancel")`` it may cancel the job too. It is signed with
        ``install(secret=...)``, by default Django's ``SECRET_KEY``; ``ConfigurationError`` where there is neither.
        """
        return issued_token(job_id, actions, expires_in=expires_in, secrets=self.access.secrets)

    def on_signal(self, signal: Signal, *, sender: object = None) -> Callable[[T], T]:
        """Makes events of your own of a Celery signal, in whatever process sends it::

            @bridge.on_signal(task_failure, sender=import_csv)
            def tell_staff(task_id, exception, **_):
                return ImportBroken(payload=...), ["staff"]

        The function gets what the signal carries, ``sender`` included. It returns an event and the groups whose
        consumers get it, or only an event, for the groups of the job that the signal is about, or else its owner; or
        None. ``sender`` is a task or its name. What goes wrong in it is logged and harms no task. Signals of the parent
        process of a worker should be handled quickly: meanwhile no task of it begins.
        """

        def connect(function: T) -> T:
            connect_event(self.app, self.transport, signal, sender, function)
            return function

        return connect

    def _revoke(self, task_ids: list[str]) -> None:
        """Only an acceleration, for a worker that still has a task in its prefetch; the flag is what rules."""
        try:
            self.app.control.revoke(task_ids)
        except Exception as error:  # whatever the broker's library raises when it is away
            log_throttled("revoke_failed", key=id(self), task_ids=task_ids[:10], error=str(error))


def attach(bridge: Bridge) -> None:
    """Makes ``bridge`` the one of its app."""
    setattr(bridge.app, _ATTRIBUTE, bridge)


def bridge_of(app: Any) -> Bridge:
    """The bridge of ``app``; :class:`ConfigurationError` naming the line to add where there is none."""
    bridge = bridge_or_none(app)
    if bridge is None:
        raise ConfigurationError(
            f"The Celery app {getattr(app, 'main', app)!r} has no bridge. Where the app is made, add: "
            "chanx.bridge.install(app, store=..., layer=...). If it has that line, this process has not imported the "
            "module: in a Django project add `from .celery import app as celery_app` to the project's __init__.py"
        )
    return bridge


def bridge_or_none(app: Any) -> Bridge | None:
    """The bridge of ``app``, None for an app that chanx was not installed on."""
    bridge = getattr(app, _ATTRIBUTE, None)
    return bridge if isinstance(bridge, Bridge) else None
