"""A real worker whose job store is away in the middle of a job's many events."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from chanx.bridge import Bridge, StartedJob, start_job_sync
from chanx.bridge.states import JobState
from chanx.testing.redis_server import RedisServer, redis_server
from tests.integration.outage_app import app, emit_steadily
from tests.integration.worker_process import connected, worker
from tests.tcp_proxy import TcpProxy, tcp_proxy
from tests.waiting import wait_until

EVENTS = 5000

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server(private=True) as server:
        yield server


@pytest.fixture(scope="module")
def bridge(server: RedisServer) -> Iterator[Bridge]:
    with connected(app, server) as bridge:
        yield bridge


@pytest.fixture
def line(server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[TcpProxy]:
    """The worker's way to the job store."""
    with tcp_proxy(server.port) as proxy:
        monkeypatch.setenv("CHANX_STORE_URL", f"redis://127.0.0.1:{proxy.port}/0")
        yield proxy


@contextmanager
def outage(line: TcpProxy) -> Iterator[None]:
    """Nothing comes through, and nothing says so; then the connections are gone."""
    line.mute = True
    yield
    line.mute = False
    line.cut()


def begin(bridge: Bridge, events: int) -> StartedJob:
    """A job that has sent a thousand events and goes on."""
    job = start_job_sync(emit_steadily, events, owner="user:1")

    def has_sent_a_thousand() -> bool:
        (head,) = bridge.store.heads([job.job_id])
        return head is not None and head.seq > 1000

    wait_until(has_sent_a_thousand, what="a thousand events")
    return job


def has_returned(job: StartedJob) -> Any:
    result = app.AsyncResult(job.task_id)
    return result.result if result.state == "SUCCESS" else None


def told(bridge: Bridge, job: StartedJob) -> list[Any]:
    """The number of each event that is kept; the lost ones where there is a gap, as a list; else the action."""
    said: list[Any] = []
    after = 0
    while (page := bridge.store.read(job.job_id, after=after, limit=10_000)) and page.entries:
        after = page.entries[-1].seq
        for entry in page.entries:
            event = json.loads(entry.event)
            lost = event["payload"]["lost"] if event["action"] == "job_gap" else None
            said.append([lost] if lost else event["payload"] if event["action"] == "counted" else event["action"])
    return said


def wait_for_end(bridge: Bridge, job: StartedJob) -> JobState:
    def ended() -> JobState | None:
        snapshot = bridge.store.snapshot(job.job_id)
        return snapshot.state if snapshot and snapshot.state.is_terminal else None

    return wait_until(ended, what="the job's end")  # type: ignore[return-value]  # not None then


@pytest.mark.parametrize("options", [[], ["--max-tasks-per-child", "1"]])
def test_nothing_is_lost_and_the_task_is_not_slowed(
    bridge: Bridge, server: RedisServer, line: TcpProxy, tmp_path: Path, options: list[str]
) -> None:
    log = tmp_path / "worker.log"
    with worker("tests.integration.outage_app", app, server.url, *options, log=log):
        job = begin(bridge, EVENTS)

        # When the task ends while the store is away, and with it its process, if it has one task only
        with outage(line):
            timing = wait_until(lambda: has_returned(job), what="the task's result")

        # Then
        assert wait_for_end(bridge, job) is JobState.SUCCEEDED
        assert told(bridge, job) == ["job_queued", "job_started", *range(EVENTS), "job_succeeded"]
        # One event has learned that the store is away; the others did not wait for it.
        assert timing["slowest"] < 20


def test_beyond_the_bound_the_oldest_are_reported_as_a_gap(
    bridge: Bridge, server: RedisServer, line: TcpProxy, tmp_path: Path
) -> None:
    log, events = tmp_path / "worker.log", 16_000
    with worker("tests.integration.outage_app", app, server.url, log=log):
        job = begin(bridge, events)

        # When
        with outage(line):
            wait_until(lambda: has_returned(job), what="the task's result")

        # Then
        assert wait_for_end(bridge, job) is JobState.SUCCEEDED
        kept = told(bridge, job)
        (place,) = [place for place, said in enumerate(kept) if isinstance(said, list)]
        (lost,) = kept[place]
        first = kept[place + 1]
        assert kept[place + 1 :] == [*range(first, events), "job_succeeded"]
        assert kept[place - 100 : place] == list(range(first - lost - 100, first - lost))


def test_what_a_process_cannot_hand_on_at_its_end_is_logged(
    bridge: Bridge, server: RedisServer, line: TcpProxy, tmp_path: Path
) -> None:
    log, options = tmp_path / "worker.log", ["--max-tasks-per-child", "1"]
    with worker("tests.integration.outage_app", app, server.url, *options, log=log):
        job = begin(bridge, EVENTS)

        with outage(line):
            wait_until(lambda: "job_events_lost" in log.read_text(), what="the log line")

        assert "the process ends, the store is away" in log.read_text()
        assert has_returned(job)
