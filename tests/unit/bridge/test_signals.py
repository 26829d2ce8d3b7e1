"""What Celery's signals mean for a job, where the signal is not about the job's own task."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, signals
from celery.app.task import Context

from chanx.bridge import Bridge, JobTask, install, start_job_sync
from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.observer import PATIENCE
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.worker.published import hand_on_context
from chanx.layers import LayerSpec
from tests.unit.bridge.doubles import Clock

Inside = Callable[[Any], None]


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("signals", broker="memory://", backend="cache+memory://", set_as_current=False)
    made.conf.task_always_eager = True
    yield made
    made.close()


@pytest.fixture
def bridge(app: Celery, clock: Clock) -> Bridge:
    return install(app, store=MemoryJobStore(clock=clock), layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))


@pytest.fixture
def run(app: Celery, bridge: Bridge) -> Callable[[Inside], JobState]:
    """Runs a function inside the task of a job; the state of the job after that."""

    def run_inside(inside: Inside) -> JobState:
        def work(self: Any) -> None:
            inside(self)

        task: Any = app.task(bind=True, base=JobTask, shared=False)(work)
        job = start_job_sync(task, owner="user:1")
        snapshot = bridge.store.snapshot(job.job_id)
        assert snapshot is not None
        return snapshot.state

    return run_inside


def test_what_a_task_publishes_belongs_to_its_job(run: Callable[[Inside], JobState]) -> None:
    published: dict[str, Any] = {"mine": 1}
    contexts: list[JobContext | None] = []

    def inside(task: Any) -> None:
        signals.before_task_publish.send(sender="other", headers=published)
        contexts.append(JobContext.from_headers(task.request.headers))

    run(inside)

    context = JobContext.from_headers(published)
    assert context
    assert contexts[0]
    assert (context.job_id, context.owner, context.begun) == (contexts[0].job_id, "user:1", True)
    assert published["mine"] == 1


def test_every_message_is_waited_for_under_an_id_of_its_own(bridge: Bridge, run: Callable[[Inside], JobState]) -> None:
    pending: list[dict[str, str]] = []

    def inside(task: Any) -> None:
        # As Task.retry and links do, which copy the headers of the request
        published: dict[str, Any] = {"id": "next", **task.request.headers}
        signals.before_task_publish.send(sender="other", headers=published)
        context = JobContext.from_headers(published)
        assert context
        pending.append({context.publish_id: "next"})
        pending.append(bridge.store.pending(context.job_id))

    # Then what was never confirmed is not waited for
    assert run(inside) is JobState.SUCCEEDED
    assert pending[0].items() < pending[1].items()


def test_an_expired_message_is_left_to_the_worker(run: Callable[[Inside], JobState]) -> None:
    properties = {"expiration": 5.0, "correlation_id": "c"}

    run(lambda task: hand_on_context(headers={}, properties=properties))

    assert properties == {"correlation_id": "c"}


@pytest.mark.parametrize(("acks_late", "kinds"), [(False, ["stopped"]), (True, [])])
def test_an_end_without_a_word_is_waited_for_unless_the_message_comes_again(
    app: Celery, clock: Clock, bridge: Bridge, acks_late: bool, kinds: list[str]
) -> None:
    def work(self: Any) -> None: ...

    task: Any = app.task(bind=True, base=JobTask, shared=False, acks_late=acks_late)(work)
    task.push_request(id="t", headers={HEADER: JobContext("j", "user:1", "t").to_header()}, is_eager=False)
    try:
        signals.task_prerun.send(sender=task, task=task)
        signals.task_postrun.send(sender=task, task=task, state=None)
    finally:
        task.pop_request()

    clock.now += PATIENCE
    assert [deadline.kind for deadline in bridge.store.due_deadlines()] == kinds


def test_a_job_of_its_own_stays_one(run: Callable[[Inside], JobState]) -> None:
    published = {HEADER: "another job"}

    run(lambda task: hand_on_context(headers=published))

    assert published == {HEADER: "another job"}


def test_what_is_published_outside_belongs_to_no_job() -> None:
    published: dict[str, Any] = {}

    hand_on_context(headers=published)
    hand_on_context(headers=None)

    assert published == {}


def test_another_task_that_failed_does_not_end_the_job(run: Callable[[Inside], JobState]) -> None:
    def inside(task: Any) -> None:
        signals.task_failure.send(sender=task, task_id="another", exception=RuntimeError())

    assert run(inside) is JobState.SUCCEEDED


@pytest.mark.parametrize(("revoked", "state"), [("root", JobState.CANCELLED), ("another", JobState.SUCCEEDED)])
def test_a_revoked_task_ends_the_job_if_it_is_the_job_s_own(
    run: Callable[[Inside], JobState], revoked: str, state: JobState
) -> None:
    def inside(task: Any) -> None:
        task_id = task.request.id if revoked == "root" else revoked
        headers = task.request.headers
        if revoked == "another":
            headers = {HEADER: headers[HEADER] | {"publish_id": ""}}
        request = Context(id=task_id, headers=headers, retries=0)
        signals.task_revoked.send(sender=task, request=request, terminated=False, signum=None, expired=False)

    assert run(inside) is state


def test_a_task_of_an_app_without_a_bridge_reports_to_nobody(bridge: Bridge) -> None:
    def work(self: Any) -> None:
        pass

    task: Any = Celery("other", set_as_current=False).task(bind=True, base=JobTask, shared=False)(work)
    request = Context(id="t", headers={HEADER: JobContext("j", "user:1", "t").to_header()}, retries=0)

    answers = signals.task_revoked.send(sender=task, request=request)

    assert [answer for _, answer in answers if isinstance(answer, BaseException)] == []
