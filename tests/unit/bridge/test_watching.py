"""Ordinary tasks that become jobs by being published, and signals that become events."""

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from celery import Celery, Task, chain, signals
from kombu.exceptions import SerializerNotInstalled
from pydantic import BaseModel

from chanx.bridge import install, owner_group, start_job_sync
from chanx.bridge.context import JobContext
from chanx.bridge.states import JobState
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.worker import unconfirmed, watching
from chanx.errors import ConfigurationError
from chanx.layers import LayerSpec
from chanx.messages.base import BaseMessage
from tests.unit.bridge.apps import BridgedApp, bridged_app

LAYER = LayerSpec.redis_pubsub("redis://127.0.0.1:1/0")


class NamePayload(BaseModel):
    name: str


class Ended(BaseMessage):
    action: Literal["ended"] = "ended"
    payload: NamePayload


def work(self: Any, n: int = 0) -> int:
    return n


def owner_in_arguments(name: str, args: Any, kwargs: Any) -> str | None:
    return f"user:{kwargs['user']}" if "user" in kwargs else None


def user_work(self: Any, user: int = 0) -> None: ...


@pytest.fixture
def eager() -> Iterator[BridgedApp]:
    with bridged_app(eager=True, watch=["seen.*"], owner="user:1") as app:
        yield app


@pytest.fixture
def queueing() -> Iterator[BridgedApp]:
    watching.BREAKER.reset()
    with bridged_app(eager=False, watch=["seen.*"], owner="user:1") as app:
        yield app
    watching.BREAKER.reset()


@pytest.mark.parametrize(
    ("name", "options", "is_watched"),
    [
        ("seen.a", {}, True),
        ("unseen.a", {}, False),
        ("unseen.a", {"watch": True}, True),
        ("seen.a", {"watch": False}, False),
    ],
)
@pytest.mark.parametrize("kind", ["eager", "queueing"])
def test_by_name_or_by_its_own_word(
    request: pytest.FixtureRequest, kind: str, name: str, options: dict[str, Any], is_watched: bool
) -> None:
    app: BridgedApp = request.getfixturevalue(kind)

    result = app.task(work, base=Task, name=name, **options).delay()

    jobs = app.store.jobs_of("user:1")
    assert [(job.job_id, job.name) for job in jobs] == ([(result.id, name)] if is_watched else [])
    if is_watched:
        assert app.actions(result.id) == ["job_queued", "job_started", "job_succeeded"][: 3 if kind == "eager" else 1]


def test_what_is_published_has_the_job_s_context(queueing: BridgedApp) -> None:
    contexts: list[JobContext | None] = []

    def note(headers: Any, **_: Any) -> None:
        contexts.append(JobContext.from_headers(headers))

    signals.after_task_publish.connect(note, weak=False)
    try:
        result = queueing.task(work, name="seen.a").delay()
    finally:
        signals.after_task_publish.disconnect(note)

    (context,) = contexts
    assert context
    assert queueing.store.pending(result.id) == {context.publish_id: result.id}


def test_a_task_of_a_job_is_a_part_of_it_and_no_job(eager: BridgedApp) -> None:
    inner = eager.task(work, name="seen.inner")

    def outer(self: Any) -> None:
        inner.delay()

    start_job_sync(eager.task(outer, name="unseen.outer"), owner="user:1")
    start_job_sync(inner, owner="user:1")

    assert len(eager.store.jobs_of("user:1")) == 2


def test_whose_it_is_can_follow_from_its_arguments() -> None:
    with bridged_app(eager=True, watch=True, owner=owner_in_arguments) as app:
        task = app.task(user_work, name="t")
        task.delay(user=7)
        task.delay()

        assert [len(app.store.jobs_of(owner)) for owner in ("user:7", "user:0")] == [1, 0]


def test_an_owner_that_cannot_be_found_out_harms_no_task() -> None:
    def fail(name: str, args: Any, kwargs: Any) -> str:
        raise RuntimeError

    with bridged_app(eager=True, watch=True, owner=fail) as app:
        assert app.task(work, name="t").delay(3).get() == 3


def test_a_store_that_is_away_harms_no_task(queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def away(*args: Any, **_: Any) -> str:
        asked.append(args)
        raise StoreUnavailableError("away")

    monkeypatch.setattr(queueing.store, "create", away)
    task = queueing.task(work, name="seen.a")

    assert task.delay().id
    assert task.delay().id
    assert len(asked) == 1


def test_the_same_task_id_twice_is_one_job(queueing: BridgedApp) -> None:
    task = queueing.task(work, name="seen.a")

    for _ in range(2):
        task.apply_async(task_id="again")

    assert [job.job_id for job in queueing.store.jobs_of("user:1")] == ["again"]


def test_a_message_that_never_went_out_ends_its_job_later(
    queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a broker that takes nothing
    task = queueing.task(work, name="seen.a")
    with pytest.raises(SerializerNotInstalled):
        task.apply_async(serializer="no such one", task_id="lost")
    assert queueing.snapshot("lost").state is JobState.QUEUED

    # When
    monkeypatch.setattr(unconfirmed, "PATIENCE", -1.0)
    task.apply_async(task_id="next")

    # Then
    assert queueing.snapshot("lost").fields["error"]["code"] == "not_enqueued"
    assert queueing.snapshot("next").state is JobState.QUEUED


def test_a_process_that_dies_while_it_publishes_leaves_no_job_open(
    queueing: BridgedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given one that is dead before its message is out
    monkeypatch.setattr(watching, "ENQUEUE_SECONDS", 0.0)
    task = queueing.task(work, name="seen.a")
    with pytest.raises(SerializerNotInstalled):
        task.apply_async(serializer="no such one", task_id="lost")
    task.apply_async(task_id="published")

    # When somebody else looks
    queueing.bridge.observer.look()

    # Then
    assert queueing.snapshot("lost").fields["error"]["code"] == "not_enqueued"
    assert queueing.snapshot("published").state is JobState.QUEUED
    assert queueing.store.due_deadlines() == []


@pytest.mark.parametrize("options", [{"watch": True}, {"watch": "reports.*", "owner": "user:1"}, {"owner": "nobody"}])
def test_rules_that_cannot_be_meant_are_refused(options: dict[str, Any]) -> None:
    app = Celery("refused", set_as_current=False)

    with pytest.raises(ConfigurationError):
        install(app, store=MemoryJobStore(), layer=LAYER, **options)


class TestSignalEvents:
    def test_an_event_to_groups(self, eager: BridgedApp) -> None:
        task = eager.task(work, name="t")

        @eager.bridge.on_signal(signals.task_success, sender=task)
        def tell(sender: Any, result: int, **_: Any) -> Any:
            return Ended(payload=NamePayload(name=f"{sender.name} {result}")), ["staff"]

        task.delay(3)
        eager.task(user_work, name="other").delay()

        assert [event["payload"]["name"] for event in eager.told("staff")] == ["t 3"]

    def test_without_groups_it_goes_to_those_of_the_job(self, eager: BridgedApp) -> None:
        @eager.bridge.on_signal(signals.task_prerun, sender="t")
        def tell(task_id: str, **_: Any) -> Any:
            return Ended(payload=NamePayload(name=task_id))

        task = eager.task(work, name="t")
        task.delay()
        first = start_job_sync(task, owner="user:1", groups=["team"])
        second = start_job_sync(task, owner="user:1")

        assert [event["payload"]["name"] for event in eager.told("team")] == [first.task_id]
        assert [event["payload"]["name"] for event in eager.told(owner_group("user:1"))] == [second.task_id]

    def test_what_goes_wrong_in_it_harms_no_task(self, eager: BridgedApp, caplog: pytest.LogCaptureFixture) -> None:
        @eager.bridge.on_signal(signals.task_prerun)
        def fail(**_: Any) -> Any:
            raise RuntimeError("mistaken")

        assert eager.task(work, name="t").delay(3).get() == 3
        assert "signal_event_failed" in caplog.text

    def test_another_app_s_tasks_are_none_of_its_business(self, eager: BridgedApp) -> None:
        seen: list[str] = []

        @eager.bridge.on_signal(signals.task_prerun)
        def note(sender: Any, **_: Any) -> None:
            seen.append(sender.name)

        with bridged_app(eager=True) as other:
            other.task(work, name="theirs").delay()
        eager.task(work, name="ours").delay()

        assert seen == ["ours"]

    def test_by_name_where_a_signal_knows_no_more(self, queueing: BridgedApp) -> None:
        task = queueing.task(work, name="t")

        @queueing.bridge.on_signal(signals.after_task_publish, sender=task)
        def tell(sender: str, **_: Any) -> Any:
            return Ended(payload=NamePayload(name=sender)), "staff"

        chain(task.s(1), task.s()).delay()

        assert len(queueing.told("staff")) == 1
