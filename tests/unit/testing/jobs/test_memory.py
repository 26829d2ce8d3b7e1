"""Jobs in memory: no server is there, and everything of the bridge is at work."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest
from celery import Celery, chain, chord
from celery.contrib.testing.worker import start_worker
from celery.exceptions import NotRegistered
from celery.signals import task_failure

from chanx.bridge import install, owner_group, start_job, start_job_sync
from chanx.bridge.events import (
    JobCancelledEvent,
    JobCancelRequested,
    JobFailed,
    JobProgress,
    JobQueued,
    JobRetrying,
    JobStarted,
    JobSucceeded,
)
from chanx.bridge.states import JobState
from chanx.errors import ConfigurationError, JobNotFoundError
from chanx.testing.jobs import MemoryBridge, like, wait_for_job, wait_for_job_async
from tests.unit.testing.jobs.shop import NOWHERE, Plain, RowPayload, RowRejected, Shop


def test_a_job_runs_at_once_and_tells_everything(shop: Shop, memory: MemoryBridge) -> None:
    # When a task is run
    job = memory.run(shop.import_rows, 3, owner="user:7", meta={"title": "Rows"})

    # Then the job has ended, and each report of progress is there, however fast it came
    assert (job.state, job.result, job.error, job.exception) == (JobState.SUCCEEDED, {"rows": 3}, None, None)
    assert (job.snapshot.owner, job.snapshot.meta) == ("user:7", {"title": "Rows"})
    job.events.assert_sequence(
        [
            JobQueued,
            JobStarted,
            like(JobProgress, current=0, total=3, unit="rows"),
            like(JobProgress, current=1),
            RowRejected(payload=RowPayload(line=2)),
            like(JobProgress, fraction=pytest.approx(2 / 3)),
            like(JobProgress, fraction=1),
            ...,
            JobSucceeded,
        ]
    )


def test_a_job_that_fails(shop: Shop, memory: MemoryBridge) -> None:
    job = memory.run(shop.fail)

    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == "error"
    assert isinstance(job.exception, ValueError)
    with pytest.raises(AssertionError, match="a secret of the server") as raised:
        _ = job.result
    assert raised.value.__cause__ is job.exception
    assert "JobFailed" in str(raised.value)


def test_a_job_that_fails_with_a_text_of_its_own(shop: Shop, memory: MemoryBridge) -> None:
    job = memory.run(shop.refuse)

    assert job.error is not None
    assert (job.error.code, job.error.message) == ("empty_file", "The file is empty.")
    job.events.assert_sequence([..., like(JobFailed, error={"code": "empty_file"})])


def test_the_result_of_a_job_that_fails_with_a_text_of_its_own(shop: Shop, memory: MemoryBridge) -> None:
    job = memory.run(shop.refuse)

    with pytest.raises(AssertionError) as raised:
        _ = job.result
    assert str(raised.value).splitlines()[0] == f"The job {job.job_id} has failed: 'The file is empty.' (empty_file)"


def test_a_task_that_is_repeated(shop: Shop, memory: MemoryBridge) -> None:
    job = memory.run(shop.repeat)

    job.events.assert_sequence(
        [
            JobQueued,
            like(JobStarted, attempt=1),
            JobRetrying,
            like(JobStarted, attempt=2),
            JobRetrying,
            like(JobStarted, attempt=3),
            JobSucceeded,
        ]
    )
    assert job.result == "done"


def test_a_canvas(shop: Shop, memory: MemoryBridge) -> None:
    job = memory.run(chord([shop.double.s(1), shop.double.s(2)], shop.add.s()))

    assert job.result == 6


@pytest.mark.parametrize("propagates", [False, True])
def test_a_canvas_whose_first_task_fails(shop: Shop, propagates: bool) -> None:
    """Given a canvas whose later tasks wait for the first, when that fails, then its start raises nothing of it.

    Celery's chain and chord raise it when they run at once, whether a task does or not; on a worker they do not.
    """
    shop.app.conf.task_eager_propagates = propagates
    for canvas in (
        chain(shop.fail.s(), shop.double.s()),
        chord([shop.fail.si(), shop.double.s(2)], shop.add.s()),
    ):
        with MemoryBridge(shop.app) as memory:
            job = memory.run(canvas)

            assert job.state is JobState.FAILED
            assert isinstance(job.exception, ValueError)
            assert job.events.actions.count("job_failed") == 1
            assert job.events.actions[-1] == "job_failed"


def test_a_canvas_that_cannot_be_started(shop: Shop, memory: MemoryBridge) -> None:
    """Given a task that this process does not have, then that is raised, and the job has failed."""
    with pytest.raises(NotRegistered):
        memory.run(chain(shop.double.s(1), shop.app.signature("elsewhere")))
    memory.events.assert_sequence([..., like(JobFailed, error={"code": "not_enqueued"})])


def test_a_job_that_is_cancelled_in_its_middle(shop: Shop, memory: MemoryBridge) -> None:
    job = memory.run(shop.import_rows, 1000, cancel_after=RowRejected(payload=RowPayload(line=4)))

    assert job.state is JobState.CANCELLED
    assert [event.payload.line for event in job.events.of_type(RowRejected)] == [2, 4]
    job.events.assert_sequence([..., JobCancelRequested, ..., JobCancelledEvent])


@pytest.mark.parametrize("after", [JobQueued, JobStarted])
def test_a_job_that_is_cancelled_before_its_task_does_anything(
    shop: Shop, memory: MemoryBridge, after: type[JobQueued | JobStarted]
) -> None:
    job = memory.run(shop.import_rows, 10, cancel_after=after)

    assert job.state is JobState.CANCELLED
    assert job.events.of_type(JobProgress) == []
    with pytest.raises(AssertionError, match="was cancelled"):
        _ = job.result


def test_an_event_to_cancel_after_that_never_comes(shop: Shop, memory: MemoryBridge) -> None:
    """Given a wrong expectation of when to cancel, then the test is told so, and not only that the job went on."""
    with pytest.raises(AssertionError) as raised:
        memory.run(shop.import_rows, 2, cancel_after=like(RowRejected, line=4))
    first, *events = str(raised.value).splitlines()
    assert first == "The job was not cancelled: there was no like(RowRejected, line=4), which it was to be after."
    assert events[-1] == "  JobSucceeded(result={'rows': 2})"


def test_what_a_start_raises_is_no_matter_of_cancelling(shop: Shop, memory: MemoryBridge) -> None:
    with pytest.raises(TypeError, match="takes 2 positional arguments"):
        memory.run(shop.double, 1, 2, 3, cancel_after=RowRejected)


def test_output_is_whole(shop: Shop, memory: MemoryBridge) -> None:
    """Given pieces that are sent in parts, as time will have it, then the text is whole and one event."""
    job = memory.run(shop.count, 20_000)

    assert job.output() == "".join(map(str, range(20_000)))
    assert job.events.actions == ["job_queued", "job_started", "job_output", "job_succeeded"]


def test_output_of_two_streams(shop: Shop, memory: MemoryBridge) -> None:
    job = memory.run(shop.put_out, ["a", "b"])

    assert (job.output(), job.output("stderr"), job.output("else")) == ("ab", "!!", "")


def test_what_others_are_told(shop: Shop, memory: MemoryBridge) -> None:
    memory.run(shop.tell, owner="user:7")
    memory.run(shop.tell, owner="user:8", groups=["staff"])

    expected = [Plain(payload={"told": True})]
    memory.told("user:7").assert_sequence(expected)
    memory.told(owner_group("user:7")).assert_sequence(expected)
    memory.told("staff").assert_sequence(expected)
    assert list(memory.told("user:8")) == []


def test_events_of_signals(shop: Shop) -> None:
    @shop.bridge.on_signal(task_failure, sender=shop.fail)
    def tell_staff(**_: Any) -> tuple[Plain, list[str]]:
        return Plain(payload={"failed": True}), ["staff"]

    with MemoryBridge(shop.app) as memory:
        memory.run(shop.fail)
        memory.told("staff").assert_sequence([Plain(payload={"failed": True})])

    assert "tell" not in vars(shop.bridge.transport)


def test_the_events_of_all_jobs(shop: Shop, memory: MemoryBridge) -> None:
    first = start_job_sync(shop.double, 1, owner="user:1")
    second = start_job_sync(shop.fail, owner="user:1")

    assert len(memory.events) == 6
    memory.events.of(first).assert_sequence([JobQueued, JobStarted, like(JobSucceeded, result=2)])
    memory.events.of(second.job_id).assert_sequence([JobQueued, JobStarted, JobFailed])
    assert memory.job(second).error is not None


async def test_jobs_that_coroutines_start(shop: Shop, memory: MemoryBridge) -> None:
    job = await start_job(shop.double, 4, owner="user:1")

    assert memory.job(job).result == 8


def test_the_bridge_is_what_it_was(shop: Shop) -> None:
    """Given a project's bridge, when a test has used it in memory, then nothing of that is left."""
    bridge, conf, control = shop.bridge, shop.app.conf, shop.app.control
    shop.app.conf.task_eager_propagates = True
    before = (bridge.store, bridge.transport, bridge.observer, bridge.async_store, shop.app.backend)

    with MemoryBridge(shop.app) as memory:
        assert bridge.store is memory.store
        with MemoryBridge(shop.app) as inner:
            assert bridge.store is inner.store
            inner.run(shop.double, 1)
        assert bridge.store is memory.store
        assert len(memory.events) == 0

    assert (bridge.store, bridge.transport, bridge.observer, bridge.async_store, shop.app.backend) == before
    assert (conf.task_always_eager, conf.task_eager_propagates) == (False, True)
    assert shop.app.control.revoke == control.revoke


def test_no_server_is_asked(shop: Shop, memory: MemoryBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a job that is cancelled, which asks broker and result backend, then nobody connects to anything."""
    asked: list[object] = []

    def connect(self: socket.socket, address: object) -> None:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)

    memory.run(shop.import_rows, 100, cancel_after=JobStarted)

    assert asked == []


def test_layers_that_are_not_in_memory(shop: Shop) -> None:
    """Given a site whose layer is on Redis, when a test runs a job in memory, then that layer gets nothing of it."""
    asked: list[str] = []

    class Layer:
        def __getattr__(self, name: str) -> object:
            asked.append(name)
            raise RuntimeError("no running event loop")  # as the pub/sub layer of channels_redis does

    with MemoryBridge(shop.app, layers=[Layer()]) as memory:
        assert memory.run(shop.double, 1).result == 2
    assert asked == []


def test_an_app_without_a_bridge() -> None:
    with (
        Celery("bare", broker=NOWHERE, set_as_current=False) as app,
        pytest.raises(ConfigurationError, match="install"),
    ):
        MemoryBridge(app)


def test_a_task_that_is_watched(shop: Shop) -> None:
    """Given a task that becomes a job by being published, when it is called as any task, then so it does."""
    install(shop.app, store=NOWHERE, watch=["*.double"], owner="project:3")
    with MemoryBridge(shop.app) as memory:
        shop.double.delay(3)

        (job,) = memory.bridge.jobs_of("project:3")
        memory.job(job).events.assert_sequence([JobQueued, JobStarted, like(JobSucceeded, result=6)])


def test_a_job_that_does_not_end_where_it_is_started(shop: Shop) -> None:
    shop.app.conf.update(broker_url="memory://")
    not_ended = pytest.raises(AssertionError, match=r"has not ended, it is queued[\s\S]*JobQueued")
    with MemoryBridge(shop.app, eager=False) as memory, not_ended:
        memory.run(shop.double, 1)


class TestWaiting:
    def test_for_a_job_of_another_thread(self, shop: Shop, memory: MemoryBridge) -> None:
        go_on = threading.Event()

        @shop.app.task(shared=False)
        def wait() -> str:
            assert go_on.wait(30)
            return "done"

        started = threading.Event()
        memory.store.watchers.append(lambda event: started.set() if event.action == "job_started" else None)
        thread = threading.Thread(target=start_job_sync, args=(wait,), kwargs={"owner": "user:1"})
        thread.start()
        assert started.wait(30)
        job_id = memory.store.recorded[0].job_id

        with pytest.raises(TimeoutError, match=r"still started after 0\.05 s[\s\S]*JobStarted"):
            wait_for_job(job_id, timeout=0.05, app=shop.app)
        go_on.set()
        assert wait_for_job(job_id, app=shop.app).result == "done"
        thread.join()

    async def test_in_a_coroutine(self, shop: Shop, memory: MemoryBridge) -> None:
        job, started = await asyncio.gather(
            asyncio.to_thread(memory.run, shop.double, 2), start_job(shop.double, 3, owner="user:1")
        )
        assert (await wait_for_job_async(started, app=shop.app)).result == 6
        assert job.result == 4

    def test_for_a_job_that_is_not_there(self, shop: Shop, memory: MemoryBridge) -> None:
        with pytest.raises(JobNotFoundError):
            wait_for_job("nowhere", app=shop.app)


def test_a_worker_in_a_thread(shop: Shop) -> None:
    """Given a worker of this process, when jobs are started, then it runs them, and their events are here."""
    shop.app.conf.update(broker_url="memory://", broker_transport_options={"polling_interval": 0.01})
    with MemoryBridge(shop.app, eager=False) as memory:
        job = start_job_sync(shop.import_rows, 4, owner="user:1")
        assert memory.job(job).state is JobState.QUEUED
        with start_worker(shop.app, pool="solo", perform_ping_check=False, shutdown_timeout=20):
            ended = wait_for_job(job, app=shop.app)
    ended.events.assert_sequence([JobQueued, JobStarted, ..., RowRejected, ..., RowRejected, ..., JobSucceeded])
