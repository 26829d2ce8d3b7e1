"""What the worker's parent process reports, also twice, late, without a request, or while the store is away."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from celery import signals
from celery.app.task import Context
from celery.exceptions import Retry, TimeLimitExceeded, WorkerLostError

from chanx.bridge import StartedJob, start_job_sync
from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.entry import Appended, Deadline, Execution, NewEntry
from chanx.bridge.states import JobState
from chanx.bridge.worker import parent, unconfirmed
from chanx.bridge.worker.janitor import Janitor
from tests.unit.bridge.apps import BridgedApp, bridged_app
from tests.waiting import wait_until


@pytest.fixture
def app() -> Iterator[BridgedApp]:
    parent.REPORTS.reset()
    with bridged_app(eager=False) as made:
        yield made
    parent.REPORTS.reset()


def nothing(self: Any) -> None: ...


def janitor(app: BridgedApp, *, interval: float = 1.0) -> Janitor:
    return Janitor(app.bridge, "this worker", interval=interval)


class Consumer:
    """The sender of what a worker reports before it knows the task."""

    def __init__(self, app: BridgedApp) -> None:
        self.app = app.app


class Delivered:
    """A job whose task's message a worker has received."""

    def __init__(self, app: BridgedApp, **options: Any) -> None:
        self.app = app
        self.task = app.task(nothing, name=f"t{len(app.app.tasks)}", **options)
        headers: dict[str, Any] = {}

        def note(headers: Any, **_: Any) -> None:
            self.headers.update(headers)

        self.headers = headers
        signals.before_task_publish.connect(note, weak=False)
        try:
            self.job: StartedJob = start_job_sync(self.task, owner="user:1")
        finally:
            signals.before_task_publish.disconnect(note)

    @property
    def request(self) -> Any:
        """As the signals of a task's end carry it."""
        return Context(id=self.job.task_id, retries=0, headers={HEADER: self.headers[HEADER]})

    def receive(self) -> None:
        request = SimpleNamespace(
            app=self.app.app, request_dict=self.headers, id=self.job.task_id, name="t", task=self.task
        )
        signals.task_received.send(sender="consumer", request=request)

    def fail(self, error: Exception) -> None:
        """In the parent: the task's own request stack is empty there."""
        signals.task_failure.send(sender=self.task, task_id=self.job.task_id, exception=error)

    def code(self) -> str:
        return str(self.app.snapshot(self.job).fields["error"]["code"])


@pytest.mark.parametrize(("error", "code"), [(WorkerLostError(), "worker_lost"), (TimeLimitExceeded(1), "time_limit")])
def test_a_lost_child_told_twice_and_without_a_request(app: BridgedApp, error: Exception, code: str) -> None:
    delivered = Delivered(app)
    delivered.receive()

    delivered.fail(error)
    delivered.fail(WorkerLostError())

    assert app.actions(delivered.job) == ["job_queued", "job_failed"]
    assert delivered.code() == code


def test_a_failure_of_a_task_that_nobody_knows_is_nothing(app: BridgedApp) -> None:
    delivered = Delivered(app)

    signals.task_failure.send(sender=delivered.task, task_id="another", exception=WorkerLostError())

    assert app.snapshot(delivered.job).state is JobState.QUEUED


@pytest.mark.parametrize(("expired", "state"), [(False, JobState.CANCELLED), (True, JobState.FAILED)])
def test_a_revoked_task(app: BridgedApp, expired: bool, state: JobState) -> None:
    delivered = Delivered(app)

    for _ in range(2):
        signals.task_revoked.send(sender=delivered.task, request=delivered.request, expired=expired)

    assert app.snapshot(delivered.job).state is state
    assert len(app.actions(delivered.job)) == 2


@pytest.mark.parametrize(("acks_late", "state"), [(False, JobState.FAILED), (True, JobState.QUEUED)])
def test_a_cold_shutdown(app: BridgedApp, acks_late: bool, state: JobState) -> None:
    delivered = Delivered(app, acks_late=acks_late)

    signals.task_retry.send(sender=delivered.task, request=delivered.request, einfo=None)

    assert app.snapshot(delivered.job).state is state
    if state is JobState.FAILED:
        assert delivered.code() == "worker_shutdown"


def test_a_retry_after_a_lost_child(app: BridgedApp) -> None:
    delivered = Delivered(app)
    delivered.receive()

    # Celery publishes the next attempt before it says so
    published = {"id": delivered.job.task_id, HEADER: delivered.headers[HEADER]}
    signals.before_task_publish.send(sender="t", headers=published)
    signals.task_retry.send(sender=delivered.task, request=delivered.request, reason=Retry("lost"))

    context = JobContext.from_headers(published)
    assert context
    assert app.store.pending(delivered.job.job_id) == {context.publish_id: delivered.job.task_id}
    assert app.actions(delivered.job) == ["job_queued", "job_retrying"]


def test_an_errback_that_the_parent_publishes(app: BridgedApp) -> None:
    delivered = Delivered(app)
    delivered.receive()
    published: dict[str, Any] = {"id": "errback", "parent_id": delivered.job.task_id}

    signals.before_task_publish.send(sender="errback", headers=published)
    signals.after_task_publish.send(sender="errback", headers=published)
    delivered.fail(WorkerLostError())

    context = JobContext.from_headers(published)
    assert context
    assert context.job_id == delivered.job.job_id
    # The job waits for it
    assert app.snapshot(delivered.job).state is JobState.QUEUED


def test_an_errback_that_the_parent_could_not_publish(app: BridgedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered = Delivered(app)
    delivered.receive()
    signals.before_task_publish.send(sender="e", headers={"id": "errback", "parent_id": delivered.job.task_id})
    delivered.fail(WorkerLostError())
    assert app.snapshot(delivered.job).state is JobState.QUEUED

    # A minute later
    monkeypatch.setattr(unconfirmed, "PATIENCE", -1.0)
    janitor(app).look()

    assert delivered.code() == "worker_lost"


def test_what_a_detached_task_publishes_stays_detached(app: BridgedApp) -> None:
    """In pools of one process the parent's knowledge is there too: the root of a detached task is the job's."""
    delivered = Delivered(app)
    delivered.receive()
    published: dict[str, Any] = {"id": "next", "root_id": delivered.job.task_id}

    def detached(self: Any) -> None:
        signals.before_task_publish.send(sender="next", headers=published)

    assert app.task(detached).apply().successful()
    assert HEADER not in published


def test_a_task_that_the_worker_does_not_know(app: BridgedApp) -> None:
    delivered = Delivered(app)
    message = SimpleNamespace(headers=delivered.headers)

    signals.task_unknown.send(sender=Consumer(app), message=message, exc=KeyError(), name="t", id="x")

    assert delivered.code() == "unknown_task"


@pytest.mark.parametrize("headers", [None, {}, {"id": 7}])
def test_a_message_of_somebody_else(app: BridgedApp, headers: Any) -> None:
    answers = signals.task_rejected.send(sender=Consumer(app), message=SimpleNamespace(headers=headers), exc=None)

    assert [answer for _, answer in answers if isinstance(answer, BaseException)] == []


def test_a_store_that_is_away_is_asked_once_and_told_later(app: BridgedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    delivered = [Delivered(app) for _ in range(3)]
    send = app.bridge.transport.send
    asked: list[NewEntry] = []

    def away(entry: NewEntry, **_: object) -> Appended | None:
        asked.append(entry)
        return None

    monkeypatch.setattr(app.bridge.transport, "send", away)

    # When
    for one in delivered:
        one.receive()
        one.fail(WorkerLostError())

    # Then
    assert len(asked) == 1

    # And when it is back
    monkeypatch.setattr(app.bridge.transport, "send", send)
    janitor(app).look()

    # Then
    assert [one.code() for one in delivered] == ["worker_lost"] * 3


class TestJanitor:
    @pytest.fixture
    def delivered(self, app: BridgedApp) -> Delivered:
        return Delivered(app)

    def stopped(self, delivered: Delivered) -> Deadline:
        publish_id = delivered.headers[HEADER]["publish_id"]
        return Deadline(
            "stopped", Execution(delivered.job.job_id, publish_id, delivered.job.task_id, "t", 1, is_root=True)
        )

    def test_it_ends_what_nobody_else_has_ended(self, app: BridgedApp, delivered: Delivered) -> None:
        app.store.set_deadline(self.stopped(delivered), seconds=0)

        janitor(app).look()

        assert app.actions(delivered.job) == ["job_queued", "job_failed"]
        assert delivered.code() == "worker_exited"
        assert app.store.due_deadlines() == []

    def test_it_gives_others_the_time_to_say_more(self, app: BridgedApp, delivered: Delivered) -> None:
        app.store.set_deadline(self.stopped(delivered), seconds=60)

        janitor(app).look()

        assert app.snapshot(delivered.job).state is JobState.QUEUED

    def test_what_has_ended_is_only_forgotten(self, app: BridgedApp, delivered: Delivered) -> None:
        app.store.set_deadline(self.stopped(delivered), seconds=0)
        signals.task_revoked.send(sender=delivered.task, request=delivered.request)

        janitor(app).look()

        assert app.actions(delivered.job) == ["job_queued", "job_cancelled"]
        assert app.store.due_deadlines() == []

    def test_a_job_that_is_no_more(self, app: BridgedApp) -> None:
        app.store.set_deadline(Deadline("stopped", Execution("gone", "p", "t1", "t", 1)), seconds=0)

        janitor(app).look()

        assert app.store.due_deadlines() == []

    def test_it_looks_by_itself_until_it_is_stopped(self, app: BridgedApp, delivered: Delivered) -> None:
        app.store.set_deadline(self.stopped(delivered), seconds=0)
        looking = janitor(app, interval=0.01)

        looking.start()
        wait_until(lambda: app.snapshot(delivered.job).state is JobState.FAILED, what="the end of the job")
        looking.stop()

        assert not any(thread.name in {"chanx-janitor", "chanx-lease"} for thread in threading.enumerate())
        assert app.store.leases() == {}
