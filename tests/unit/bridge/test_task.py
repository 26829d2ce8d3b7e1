"""A job's task in every way it can be run without a worker."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from kombu.exceptions import SerializerNotInstalled

from chanx.bridge import Bridge, JobTask, StartedJob, install, start_job_sync
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.errors import JobError
from chanx.layers import LayerSpec

# Nobody listens there: what is published is lost, which is all the same to a job.
NO_LAYER = LayerSpec.redis_pubsub("redis://127.0.0.1:1/0")


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("eager", broker="memory://", backend="cache+memory://", set_as_current=False)
    made.conf.task_always_eager = True
    yield made
    made.close()


@pytest.fixture
def bridge(app: Celery) -> Bridge:
    return install(app, store=MemoryJobStore(), layer=NO_LAYER)


def task_of(app: Celery, function: Any, **options: Any) -> Any:
    return app.task(bind=True, base=JobTask, shared=False, **options)(function)  # type: ignore[no-untyped-call]  # task() has no types with options


def snapshot_of(bridge: Bridge, job: StartedJob) -> JobSnapshot:
    snapshot = bridge.store.snapshot(job.job_id)
    assert snapshot is not None
    return snapshot


def actions(bridge: Bridge, job: StartedJob) -> list[str]:
    page = bridge.store.read(job.job_id, after=0, limit=1000)
    assert page is not None
    return [json.loads(entry.event)["action"] for entry in page.entries]


def test_an_eager_job_reports_as_any_other(app: Celery, bridge: Bridge) -> None:
    def work(self: Any, n: int) -> int:
        for _ in self.job.track(range(n)):
            self.job.log("x")
        return n

    job = start_job_sync(task_of(app, work), 2, owner="user:1")

    assert actions(bridge, job) == ["job_queued", "job_started", "job_log", "job_log", "job_succeeded"]
    fields = snapshot_of(bridge, job).fields
    assert (fields["result"], fields["job_progress"]["current"]) == (2, 2)


def test_called_or_sent_without_a_job_it_is_an_ordinary_task(app: Celery, bridge: Bridge) -> None:
    def work(self: Any) -> str:
        self.job.log("to nobody")
        assert not self.job.should_abort()
        return f"job {self.job.job_id!r}"

    task = task_of(app, work)

    assert [task(), task.delay().get(), task.apply().get()] == ["job ''"] * 3
    assert bridge.store.jobs_of("user:1") == []


def test_a_job_started_by_a_job_is_one_of_its_own(app: Celery, bridge: Bridge) -> None:
    started: list[StartedJob] = []

    def work(self: Any) -> None:
        self.job.log("inner")

    inner = task_of(app, work, name="inner")

    def start(self: Any) -> None:
        self.job.log("before")
        started.append(start_job_sync(inner, owner="user:2"))
        inner()
        self.job.log("after")

    outer = start_job_sync(task_of(app, start, name="outer"), owner="user:1")

    assert actions(bridge, outer) == ["job_queued", "job_started", "job_log", "job_log", "job_succeeded"]
    assert actions(bridge, started[0]) == ["job_queued", "job_started", "job_log", "job_succeeded"]


def test_retries_go_on_with_the_job_until_there_are_none_left(app: Celery, bridge: Bridge) -> None:
    def work(self: Any) -> None:
        raise JobError("Not today.")

    task = task_of(app, work, autoretry_for=(JobError,), max_retries=1, default_retry_delay=0)
    job = start_job_sync(task, owner="user:1")

    assert actions(bridge, job) == ["job_queued", "job_started", "job_retrying", "job_started", "job_failed"]
    snapshot = snapshot_of(bridge, job)
    assert (snapshot.attempt, snapshot.fields["error"]["message"]) == (2, "Not today.")


def test_the_bar_begins_anew_with_each_attempt(app: Celery, bridge: Bridge) -> None:
    shown: list[Any] = []

    def work(self: Any) -> None:
        shown.append(bridge.job(self.job.job_id).fields["job_progress"])
        self.job.progress(9 - self.request.retries, 10)
        if self.request.retries == 0:
            raise self.retry(countdown=0)

    job = start_job_sync(task_of(app, work), owner="user:1")

    assert shown == [None, None]
    assert snapshot_of(bridge, job).fields["job_progress"]["current"] == 8


def test_a_job_cancelled_while_it_retries_does_not_run_again(app: Celery, bridge: Bridge) -> None:
    runs: list[int] = []

    def work(self: Any) -> None:
        runs.append(self.request.retries)
        bridge.store.request_cancel(self.job.job_id)
        raise self.retry(countdown=0)

    job = start_job_sync(task_of(app, work), owner="user:1")

    assert runs == [0]
    assert actions(bridge, job)[-2:] == ["job_started", "job_cancelled"]


def test_a_result_backend_that_is_away_does_not_make_a_cancelled_job_a_failed_one(
    app: Celery, bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> None:
        raise OSError("no result backend")

    monkeypatch.setattr(app.backend, "mark_as_revoked", away)

    def work(self: Any) -> None:
        bridge.store.request_cancel(self.job.job_id)
        self.job.log("noticed")
        self.job.progress(1)

    job = start_job_sync(task_of(app, work), owner="user:1")

    assert snapshot_of(bridge, job).state is JobState.CANCELLED


@pytest.mark.parametrize("options", [{"headers": None}, {"headers": {"mine": 1}}, None])
def test_headers_of_one_s_own(app: Celery, bridge: Bridge, options: dict[str, Any] | None) -> None:
    def work(self: Any) -> Any:
        return self.request.headers.get("mine")

    job = start_job_sync(task_of(app, work), owner="user:1", task_options=options)

    assert snapshot_of(bridge, job).fields["result"] == ((options or {}).get("headers") or {}).get("mine")


def test_a_task_that_cannot_be_published_ends_the_job(app: Celery, bridge: Bridge) -> None:
    app.conf.task_always_eager = False

    def work(self: Any) -> None:
        pass

    with pytest.raises(SerializerNotInstalled):
        start_job_sync(task_of(app, work), owner="user:1", task_options={"serializer": "no such one"})

    (job,) = bridge.store.jobs_of("user:1")
    assert (job.state, job.fields["error"]["code"]) == (JobState.FAILED, "not_enqueued")


@pytest.mark.parametrize("own", [None, (), (OSError,), [OSError], OSError])
def test_an_error_for_the_user_is_expected_beside_those_of_one_s_own(app: Celery, own: Any) -> None:
    def work(self: Any) -> None:
        pass

    task = task_of(app, work, **({} if own is None else {"throws": own}))

    assert isinstance(JobError("Not today."), task.throws)
    assert isinstance(OSError(), task.throws) is bool(own)
    assert not isinstance(ValueError(), task.throws)


def test_what_a_base_class_expects_is_expected(app: Celery) -> None:
    class ShopTask(JobTask):
        abstract = True
        throws = (OSError,)

    def work(self: Any) -> None:
        pass

    task = app.task(bind=True, base=ShopTask, shared=False)(work)

    assert issubclass(OSError, task.throws)
    assert issubclass(JobError, task.throws)
