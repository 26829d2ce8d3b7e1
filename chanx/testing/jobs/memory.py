"""The bridge of a Celery app in memory: jobs without Redis, without a broker, without a worker.

start_job ─> the task, at once, in the caller's thread ─┬─> RecordingStore ─> JobEvents
                                                        └─> SitePublisher ─> consumers of this process
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, Final, Self
from unittest.mock import patch

from celery import Celery, signals
from celery.app import backends
from pydantic_core import to_json

from chanx.bridge.installed import Bridge, bridge_of
from chanx.bridge.names import owner_group
from chanx.bridge.owner import is_owner, owner_of
from chanx.bridge.start import start_job_sync
from chanx.bridge.states import JobState
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.worker import job as worker_job
from chanx.bridge.worker.progress import ProgressMeter
from chanx.bridge.worker.run import context_of
from chanx.testing.jobs.database import TaskConnections
from chanx.testing.jobs.events import AnyJob, JobEvents, job_id_of
from chanx.testing.jobs.matching import Expected, check_expected, described, matches
from chanx.testing.jobs.observed import ObservedJob, observed
from chanx.testing.jobs.publisher import SitePublisher
from chanx.testing.jobs.recorded import Recorded
from chanx.testing.jobs.store import RecordingStore

_SWAPPED: Final = ("store", "transport", "observer", "async_store")


class MemoryBridge:
    """While it is entered, the app's bridge keeps its jobs here, and its own store and layer are left alone::

        with MemoryBridge(app) as memory:
            job = memory.run(import_csv, "a.csv")
            job.events.assert_sequence([JobQueued, JobStarted, ..., JobSucceeded])

    Tasks run at once, where they are started; with ``eager=False`` where a worker of this process runs them. Their
    results are kept in memory, and every report of progress is an event of its own: ``progress_interval`` is 0 seconds
    instead of the usual 0.1, so that what is sent is not a matter of time. Consumers of this process get the events if
    their channel layer is in memory: those that Channels and fast-channels have, and ``layers``.

    Raises :class:`~chanx.errors.ConfigurationError` for an app without a bridge.
    """

    def __init__(
        self, app: Celery, *, eager: bool = True, progress_interval: float = 0.0, layers: Iterable[object] = ()
    ) -> None:
        self.app = app
        self.bridge: Bridge = bridge_of(app)
        self.store = RecordingStore()
        self.publisher = SitePublisher(layers)
        self.events = JobEvents(self.store.recorded)
        self.progress_interval = progress_interval
        self._eager = eager
        self._entered = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as entered:
            entered.enter_context(_configured(self.app, task_always_eager=self._eager, task_eager_propagates=False))
            entered.enter_context(patch.object(self.app, "_backend_cache", _memory_backend(self.app)))
            if self._eager:
                # Whatever is published runs at once, so there is nothing to revoke, nor a broker to ask.
                entered.enter_context(patch.object(self.app.control, "revoke", _revoke_nothing))
            entered.enter_context(_swapped(self.bridge, self.store, self.publisher))
            entered.enter_context(patch.object(worker_job, "ProgressMeter", self._meter))
            signals.task_failure.connect(self._on_failure)
            entered.callback(signals.task_failure.disconnect, self._on_failure)
            connections = TaskConnections()
            connections.watch()
            entered.callback(connections.forget)
            self._entered = entered.pop_all()
        return self

    def __exit__(self, *_error: object) -> None:
        self._entered.close()

    def run(
        self, task: Any, /, *args: Any, owner: object = "user:1", cancel_after: Expected | None = None, **options: Any
    ) -> ObservedJob:
        """Runs a task or a canvas as a job, to its end, and returns the job.

        What it takes otherwise is that of :func:`~chanx.bridge.start.start_job_sync`. With ``cancel_after`` the job is
        cancelled as soon as such an event was sent: a class, a message, or ``like(...)``; ``AssertionError`` if none
        is. What a task raises is not raised here, but is the job's ``exception``.
        """
        __tracebackhide__ = True
        with self._cancelling(cancel_after) as asked:
            started = start_job_sync(task, *args, owner=owner, **options)
        job = self.job(started)
        if not job.state.is_terminal:
            raise AssertionError(
                f"The job {job.job_id} has not ended, it is {job.state}. Only what runs at once ends here: not what "
                f"waits for a commit (on_commit=True), and no task of another Celery app.\n{job.events!r}"
            )
        if cancel_after is not None and not asked:
            raise AssertionError(
                f"The job was not cancelled: there was no {described(cancel_after)}, which it was to be after.\n"
                f"{job.events!r}"
            )
        return job

    def job(self, job: AnyJob) -> ObservedJob:
        """A job as it stands now. Raises :class:`~chanx.errors.JobNotFoundError`."""
        return observed(self.bridge, job_id_of(job))

    def cancel(self, job: AnyJob, *, reason: str | None = None) -> JobState:
        """As :meth:`Bridge.cancel <chanx.bridge.installed.Bridge.cancel>`."""
        return self.bridge.cancel(job_id_of(job), reason=reason)

    def told(self, to: object) -> JobEvents:
        """The plain events of ``job.notify`` and ``job.reply``, by whom they were for.

        That is a group, a channel's name, or an owner: a user object, or an owner string.
        """
        name = to if isinstance(to, str) and not is_owner(to) else owner_group(owner_of(to))
        found = (message.get("event_data") for _, sent_to, message in self.publisher.sent if sent_to == name)
        events = [data for data in found if data is not None]
        return JobEvents([Recorded("", str(data.get("action", "")), to_json(data).decode()) for data in events])

    @contextmanager
    def _cancelling(self, wanted: Expected | None) -> Generator[list[str]]:
        """What it gives has the id of the job, once that was asked to stop."""
        asked: list[str] = []
        if wanted is None:
            yield asked
            return
        check_expected(wanted)
        job_id: str | None = None

        def watch(event: Recorded) -> None:
            nonlocal job_id
            job_id = job_id or event.job_id  # the first one is of the job that is started here
            if not asked and event.job_id == job_id and matches(wanted, event):
                asked.append(job_id)
                self.bridge.cancel(job_id)

        self.store.watchers.append(watch)
        try:
            yield asked
        finally:
            self.store.watchers.remove(watch)

    def _meter(self, clock: Callable[[], float]) -> ProgressMeter:
        return ProgressMeter(clock, interval=self.progress_interval)

    def _on_failure(self, sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
        context = context_of(sender.request)
        if context is not None and exception is not None:
            self.store.failures.setdefault(context.job_id, []).append(exception)


@contextmanager
def _configured(app: Celery, **settings: Any) -> Generator[None]:
    conf: Any = app.conf
    before = {name: conf[name] for name in settings}
    conf.update(settings)
    try:
        yield
    finally:
        conf.update(before)


@contextmanager
def _swapped(bridge: Bridge, store: RecordingStore, publisher: SitePublisher) -> Generator[None]:
    """The bridge itself is changed, as modules and topics may hold it."""
    before = {name: getattr(bridge, name) for name in _SWAPPED}
    double = replace(bridge, store=store, transport=DirectTransport(store, publisher))
    try:
        # What `on_signal` has connected holds the transport, to tell others.
        with patch.object(bridge.transport, "tell", double.transport.tell):
            for name in _SWAPPED:
                object.__setattr__(bridge, name, getattr(double, name))
            yield
    finally:
        for name, value in before.items():
            object.__setattr__(bridge, name, value)


def _memory_backend(app: Any) -> Any:
    by_url: Any = backends.by_url
    backend, url = by_url("cache+memory://", app.loader)
    return backend(app=app, url=url)


def _revoke_nothing(*_: Any, **__: Any) -> None:
    pass
