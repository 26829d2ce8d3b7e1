"""Jobs of workers on the event bus, with real brokers, workers and relays."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import chain, chord

from chanx.bridge import start_job_sync
from chanx.bridge.states import JobState
from tests.integration.relay_app import count, double, gathered, greet, run_until_cancelled, spread
from tests.integration.relay_stack import RelayStack, relay_stack
from tests.waiting import wait_until


@pytest.fixture(scope="module", params=["redis", "rabbitmq"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayStack]:
    directory = tmp_path_factory.mktemp(f"relay-{request.param}")
    with relay_stack(request.param, directory, options=("--celery-events",)) as running:
        yield running


def test_a_job_tells_the_same_as_one_on_the_site_s_redis(stack: RelayStack) -> None:
    job = stack.ended(stack.start(count, 300))

    assert job.state is JobState.SUCCEEDED
    assert job.fields["result"]["events"] == 300
    assert stack.counted(job.job_id) == list(range(300))
    actions = [event["action"] for event in stack.events(job.job_id)]
    assert [actions[0], actions[1], actions[-1]] == ["job_queued", "job_started", "job_succeeded"]
    assert stack.bridge.store.pending(job.job_id) == {}


def test_a_running_task_hears_of_its_cancellation(stack: RelayStack) -> None:
    job_id = stack.start(run_until_cancelled)
    wait_until(lambda: stack.job(job_id).state is JobState.STARTED, seconds=30, what="the job's start")

    stack.bridge.cancel(job_id, reason="enough")

    job = stack.ended(job_id, seconds=20)
    assert (job.state, job.cancel_reason) == (JobState.CANCELLED, "enough")


def test_canvases_end_once_with_their_result(stack: RelayStack) -> None:
    of_chord = start_job_sync(chord([count.s(2) for _ in range(4)], gathered.s()), owner="user:1").job_id
    of_chain = start_job_sync(chain(count.si(1), count.si(2), count.si(3)), owner="user:1").job_id
    of_nested = stack.start(spread, 5)

    assert stack.ended(of_chord).fields["result"] == 8
    assert stack.ended(of_chain).fields["result"]["events"] == 3
    assert stack.ended(of_nested).fields["result"] == 5
    assert sorted(stack.counted(of_nested)) == [0] * 5 + [1] * 5
    for job_id in (of_chord, of_chain, of_nested):
        ends = [event for event in stack.events(job_id) if event["action"] == "job_succeeded"]
        assert len(ends) == 1


def test_a_task_tells_groups_and_starts_jobs(stack: RelayStack) -> None:
    client: Any = redis.Redis.from_url(stack.site_url)  # pyright: ignore[reportUnknownMemberType]
    with client.pubsub() as subscription:
        subscription.psubscribe("*")
        job = stack.ended(stack.start(greet, "greeted"))
        other = stack.ended(job.fields["result"])
        wait_until(lambda: b"hello" in str(subscription.get_message(timeout=0.1)).encode(), what="the greeting")

    assert (other.owner, other.state) == ("user:2", JobState.SUCCEEDED)
    client.close()


def test_the_worker_leaves_nothing_behind(stack: RelayStack) -> None:
    store = stack.bridge.store
    (worker,) = wait_until(store.leases)
    stack.ended(stack.start(count, 1))

    assert worker.startswith("bus/")
    wait_until(lambda: store.held(worker) == [], what="the worker to let go of what has ended")


def test_a_job_on_a_worker_without_chanx(stack: RelayStack) -> None:
    plain = stack.start_plain_worker()
    try:
        good, bad = stack.start(double, 21), stack.start(double, -1)

        assert stack.ended(good).fields["result"] == 42
        assert stack.ended(bad).fields["error"]["code"] == "error"
        actions = [event["action"] for event in stack.events(good)]
        assert actions == ["job_queued", "job_started", "job_succeeded"]
    finally:
        plain.kill()
