"""Progress and output from real workers, in every pool."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import chord

from chanx.bridge import Bridge, StartedJob, start_job_sync
from chanx.bridge.snapshot import JobSnapshot
from chanx.testing.redis_server import RedisServer, redis_server
from tests.integration import progress_app
from tests.integration.worker_process import connected, worker
from tests.waiting import wait_until

APP = "tests.integration.progress_app"


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as running:
        yield running


@pytest.fixture(scope="module")
def bridge(server: RedisServer) -> Iterator[Bridge]:
    with connected(progress_app.app, server) as bridge:
        yield bridge


@pytest.fixture(scope="module", params=["prefork", "threads", "solo", "gevent", "eventlet"], autouse=True)
def pool(
    request: pytest.FixtureRequest, bridge: Bridge, server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with worker(APP, bridge.app, server.url, "-P", request.param, log=log):
        yield request.param


def test_what_a_task_said_last_arrives_although_it_computes_on_silently(
    bridge: Bridge, pool: str, tmp_path: Path
) -> None:
    # Given a task that yields to nobody, where the pool has more than green threads
    go = tmp_path / "go"
    job = start_job_sync(progress_app.silent, str(go), pool not in {"gevent", "eventlet"}, owner="user:1")

    # Then
    wait_until(lambda: progress(bridge, job).get("current") == 2, what="the last report")
    wait_until(lambda: texts(bridge, job) == "thinking", what="the output")
    assert not snapshot(bridge, job).state.is_terminal
    go.touch()
    ended(bridge, job)


def test_a_stream_of_tokens_arrives_whole_and_in_order(bridge: Bridge) -> None:
    # When
    job = start_job_sync(progress_app.speak, 20_000, owner="user:1")
    ended(bridge, job)

    # Then
    assert texts(bridge, job) == "".join(f"{i} " for i in range(20_000))
    # And every other event has its place in it
    said = ""
    for event in events(bridge, job):
        if event["action"] == "job_output":
            said += event["payload"]["text"]
        elif event["action"] == "job_log":
            assert said.split()[-1] == event["payload"]["message"]
    assert len(events(bridge, job)) < 2000


def test_the_bar_is_that_of_all_steps_and_stays_where_the_task_failed(bridge: Bridge) -> None:
    job = start_job_sync(progress_app.build, owner="user:1")
    ended(bridge, job)

    assert (progress(bridge, job)["fraction"], progress(bridge, job)["step"]) == (0.625, ["render", "b"])


def test_a_chord_over_many_small_tasks_is_one_job_with_one_bar(bridge: Bridge) -> None:
    job = start_job_sync(chord([progress_app.part.s(i) for i in range(20)], progress_app.join.s()), owner="user:1")
    end = ended(bridge, job)

    assert end.fields["result"] == sum(range(20))
    shown = progress(bridge, job)
    assert (shown["fraction"], shown["current"], shown["total"], shown["unit"]) == (1, 21, 21, "tasks")


def test_the_bar_begins_anew_with_the_next_attempt(bridge: Bridge, tmp_path: Path) -> None:
    # Given an attempt that came far and failed
    go = tmp_path / "go"
    job = start_job_sync(progress_app.repeat, str(go), owner="user:1")

    # When the next one has begun, and has not said anything yet
    wait_until(lambda: snapshot(bridge, job).attempt == 2, what="the second attempt")

    # Then
    assert progress(bridge, job) == {}
    go.touch()
    ended(bridge, job)
    assert progress(bridge, job)["current"] == 1
    attempts = [(event["action"], event["attempt"]) for event in events(bridge, job) if event["attempt"]]
    assert sorted(attempts[:-1]) == [("job_retrying", 1), ("job_started", 1), ("job_started", 2)]
    assert attempts[-1] == ("job_succeeded", 2)


def snapshot(bridge: Bridge, job: StartedJob) -> JobSnapshot:
    found = bridge.store.snapshot(job.job_id)
    assert found is not None
    return found


def progress(bridge: Bridge, job: StartedJob) -> dict[str, Any]:
    return snapshot(bridge, job).fields.get("job_progress") or {}


def ended(bridge: Bridge, job: StartedJob) -> JobSnapshot:
    wait_until(lambda: snapshot(bridge, job).state.is_terminal, what="the end of the job")
    return snapshot(bridge, job)


def events(bridge: Bridge, job: StartedJob) -> list[dict[str, Any]]:
    page = bridge.store.read(job.job_id, after=0, limit=10_000)
    assert page is not None
    return [json.loads(entry.event) for entry in page.entries]


def texts(bridge: Bridge, job: StartedJob) -> str:
    return "".join(event["payload"]["text"] for event in events(bridge, job) if event["action"] == "job_output")
