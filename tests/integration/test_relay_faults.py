"""What the event bus is for: brokers restart, relays and workers are killed, and the log is what the task told."""

import random
import signal
from pathlib import Path

import pytest
from celery import Celery

from chanx.bridge.observer import Observer
from chanx.bridge.states import JobState
from tests.integration.relay_app import app, count, run_until_cancelled
from tests.integration.relay_stack import RelayStack, relay_stack
from tests.waiting import wait_until

EVENTS = 1500
STALL_SECONDS = 4.0
"""What a report takes at most, on a machine that does much else: twice half a second for a broker or a relay."""

brokers = pytest.mark.parametrize("broker", ["redis", "rabbitmq"])


def check(stack: RelayStack, job_id: str, *, events: int = EVENTS) -> None:
    """The job has ended, once, and its log has every event once, in order."""
    job = stack.ended(job_id, seconds=120)
    assert job.state is JobState.SUCCEEDED
    assert stack.counted(job_id) == list(range(events))
    assert [event["action"] for event in stack.events(job_id)].count("job_succeeded") == 1
    assert job.fields["result"]["slowest"] < STALL_SECONDS
    assert stack.bridge.store.pending(job_id) == {}


def wait_for_more(stack: RelayStack, jobs: list[str], events: int) -> None:
    def counted() -> int:
        return sum(len(stack.counted(job_id)) for job_id in jobs)

    wanted = min(counted() + events, len(jobs) * EVENTS)
    wait_until(lambda: counted() >= wanted, seconds=60, what="more events")


@brokers
@pytest.mark.parametrize("seed", [1])
def test_relays_are_killed_at_random(broker: str, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    with relay_stack(broker, tmp_path, relays=2) as stack:
        jobs = [stack.start(count, EVENTS, 0.005) for _ in range(2)]
        for _ in range(5):
            wait_for_more(stack, jobs, chance.randint(1, 200))
            chance.choice(stack.relays).kill()
            stack.start_relay()

        for job_id in jobs:
            check(stack, job_id)


@brokers
def test_the_broker_restarts(broker: str, tmp_path: Path) -> None:
    with relay_stack(broker, tmp_path) as stack:
        job_id = stack.start(count, EVENTS, 0.005)
        wait_until(lambda: len(stack.counted(job_id)) > 100, seconds=30, what="the first events")

        stack.broker.crash()
        stack.broker.start()

        check(stack, job_id)


@brokers
def test_the_broker_hangs(broker: str, tmp_path: Path) -> None:
    with relay_stack(broker, tmp_path) as stack:
        job_id = stack.start(count, EVENTS, 0.005)
        wait_until(lambda: len(stack.counted(job_id)) > 100, seconds=30, what="the first events")

        stack.broker.signal(signal.SIGSTOP)
        try:
            wait_until(lambda: b"job_store_away" in stack.worker.logs(), seconds=30, what="the worker to notice")
        finally:
            stack.broker.signal(signal.SIGCONT)

        check(stack, job_id)


@brokers
def test_without_a_relay_tasks_go_on_and_nothing_is_lost(broker: str, tmp_path: Path) -> None:
    with relay_stack(broker, tmp_path, relays=0) as stack:
        job_id = stack.start(count, EVENTS)
        celery: Celery = app
        result = celery.AsyncResult(stack.job(job_id).task_id)
        wait_until(result.ready, seconds=60, what="the task's end")
        assert stack.job(job_id).state is JobState.QUEUED

        stack.start_relay()

        check(stack, job_id)


@brokers
def test_messages_that_come_twice_are_one(broker: str, tmp_path: Path) -> None:
    with relay_stack(broker, tmp_path, relays=0) as stack:
        job_id = stack.start(count, 200)
        wait_until(app.AsyncResult(stack.job(job_id).task_id).ready, seconds=60, what="the task's end")

        stack.repeat_all()
        stack.start_relay()

        check(stack, job_id, events=200)


@brokers
def test_a_job_whose_worker_is_killed_fails(broker: str, tmp_path: Path) -> None:
    with relay_stack(broker, tmp_path) as stack:
        job_id = stack.start(run_until_cancelled)
        wait_until(lambda: stack.job(job_id).state is JobState.STARTED, seconds=30, what="the job's start")

        stack.worker.kill()

        # It takes six or seven seconds, and on a busy machine longer; how many ticks it takes is a unit test's.
        job = stack.ended(job_id, seconds=60)
        assert job.state is JobState.FAILED
        assert job.fields["error"]["code"] == "worker_lost"
        wait_until(lambda: stack.bridge.store.leases() == {}, what="nothing to be left of the worker")


@brokers
def test_a_worker_is_not_dead_because_the_relay_is(broker: str, tmp_path: Path) -> None:
    with relay_stack(broker, tmp_path) as stack:
        job_id = stack.start(count, 1200, 0.01)
        wait_until(lambda: len(stack.counted(job_id)) > 10, seconds=30, what="the first events")
        stack.relays[0].kill()
        lease = stack.bridge.store.leases()
        seconds = 0
        observer = Observer(stack.bridge.store, stack.bridge.transport, app, clock=lambda: float(seconds))
        for seconds in range(20):  # noqa: B007  # the observer's clock
            observer.look()
        assert stack.bridge.store.leases() == lease
        assert not stack.job(job_id).state.is_terminal

        stack.start_relay()

        check(stack, job_id, events=1200)
