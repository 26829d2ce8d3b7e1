"""The bridge of a Celery app: its job store and its transport, found again through the app."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from celery import Celery, _state
from celery.utils.dispatch import Signal

from chanx.bridge.access import DEFAULT_ACCESS, Access
from chanx.bridge.cancelling import Cancelling, job_not_found
from chanx.bridge.names import is_job_id, list_group
from chanx.bridge.observer import Observer
from chanx.bridge.owner import owner_of
from chanx.bridge.signal_events import SignalEvent, connect_event
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.async_store import AsyncJobStore
from chanx.bridge.store.base import JobStore
from chanx.bridge.tokens import WATCHING, JobAction, issued_token
from chanx.bridge.transports.base import JobTransport
from chanx.bridge.watch import Watch
from chanx.errors import ConfigurationError, JobActiveError

T = TypeVar("T", bound=SignalEvent)

_ATTRIBUTE = "chanx_bridge"


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

    def job(self, job_id: str) -> JobSnapshot:
        """The job as it stands. Blocking, as all below. Raises :class:`JobNotFoundError`."""
        found = self.store.snapshot(job_id) if is_job_id(job_id) else None
        if found is None:
            raise job_not_found(job_id)
        return found

    def jobs_of(
        self, owner: object, *, limit: int = 50, before: datetime | None = None, before_id: str = ""
    ) -> list[JobSnapshot]:
        """The newest jobs of an owner (a user object, or an owner string), and those it watches, newest first.

        With the ``created_at`` of the last one as ``before``, and its ``job_id`` as ``before_id``: those after it.
        """
        return self.store.jobs_of(owner_of(owner), limit=limit, before=before, before_id=before_id)

    def all_jobs(self, *, limit: int = 50, before: datetime | None = None, before_id: str = "") -> list[JobSnapshot]:
        """The newest jobs of all owners, newest first: for operators, never for a page of a user's."""
        return self.store.all_jobs(limit=limit, before=before, before_id=before_id)

    def cancel(self, job_id: str, *, reason: str | None = None, terminate_after: float | None = None) -> JobState:
        """Asks a job to stop; returns its state now. Blocking: from async code run it in a thread.

        A job that no worker has begun ends here and now. A running one stops at its next step; with
        ``terminate_after`` what still runs so many seconds later is terminated (in the prefork pool; others cannot).
        One that has ended stays as it is. The first ``reason`` counts: it is shown to whoever watches, 500 characters
        of it. Raises :class:`JobNotFoundError`, or ``StoreUnavailableError`` where the store is away.
        """
        cancelling = Cancelling(self.app, self.store, self.transport)
        return cancelling.cancel(job_id, reason=reason, terminate_after=terminate_after)

    def delete(self, job_id: str) -> None:
        """Forgets a job that has ended, its events and its results, before its retention is over.

        Raises :class:`JobNotFoundError`, and :class:`JobActiveError` for a job that has not ended.
        """
        job = self.job(job_id)
        if not self.store.delete(job_id):
            raise JobActiveError(f"The job {job_id} has not ended: cancel it first.")
        self.transport.tell_lists(dict.fromkeys(map(list_group, [job.owner, *job.watchers])), job_id, job.state)

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


def project_app() -> Any:
    """The app that this process has made, None where there is none: ``current_app`` would make one, which others find.

    It is the thread's current app, or the default one.
    """
    state: Any = _state
    return state._tls.current_app or state.default_app
