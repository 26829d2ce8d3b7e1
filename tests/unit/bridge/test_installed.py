"""Cancelling from code: what is asked of whom, and what happens where one of them is away."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from celery import Celery

from chanx.bridge import outcome
from chanx.bridge.entry import Ending, Execution, NewEntry
from chanx.bridge.events import JobStarted
from chanx.bridge.installed import Bridge, bridge_of
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.errors import ConfigurationError, JobActiveError, JobNotFoundError
from chanx.layers import MemoryPublisher


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("cancelling", broker="memory://", set_as_current=False)
    yield made
    made.close()


@pytest.fixture
def bridge(app: Celery) -> Bridge:
    store = MemoryJobStore()
    store.create(record("j"))
    return Bridge(app, store, DirectTransport(store, MemoryPublisher()))


@pytest.fixture
def revoked(app: Celery, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the tasks that Celery was asked to revoke."""
    asked: list[str] = []
    monkeypatch.setattr(app.control, "revoke", asked.extend)
    return asked


def record(job_id: str) -> JobRecord:
    return JobRecord(job_id=job_id, owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC))


def start(bridge: Bridge, *, execution: Execution | None = None) -> JobReporter:
    """A worker begins the job's task."""
    run = JobReporter(bridge.transport, job_id="j", task_id="t", attempt=1, of_run=True)
    run.send(JobStarted(), claims=True, execution=execution)
    return run


def events(bridge: Bridge) -> list[dict[str, Any]]:
    page = bridge.store.read("j", after=0, limit=100)
    assert page is not None
    return [json.loads(entry.event) for entry in page.entries]


def actions(bridge: Bridge) -> list[str]:
    return [event["action"] for event in events(bridge)]


def test_a_job_that_waits_ends_here_and_now(bridge: Bridge, revoked: list[str]) -> None:
    assert bridge.cancel("j", reason="enough") is JobState.CANCELLED
    assert bridge.cancel("j") is JobState.CANCELLED

    assert actions(bridge) == ["job_cancel_requested", "job_cancelled"]
    assert revoked == ["t"]


def test_a_job_that_runs_is_asked_to_stop_once(bridge: Bridge, revoked: list[str]) -> None:
    start(bridge)

    assert bridge.cancel("j") is JobState.STARTED
    assert bridge.cancel("j") is JobState.STARTED

    assert actions(bridge) == ["job_started", "job_cancel_requested"]
    assert revoked == ["t"]


def test_a_broker_that_is_away_does_not_harm_a_cancellation(
    bridge: Bridge, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(app.control, "revoke", unreachable)

    assert bridge.cancel("j") is JobState.CANCELLED


@pytest.mark.usefixtures("revoked")
def test_a_cancellation_that_was_cut_short_is_completed_by_the_next(bridge: Bridge) -> None:
    # Given a process that set the flag and died
    bridge.store.request_cancel("j")

    assert bridge.cancel("j") is JobState.CANCELLED


@pytest.mark.parametrize("use", [Bridge.job, Bridge.cancel, Bridge.delete])
@pytest.mark.parametrize("job_id", ["nope", "no id at all", ""])
def test_an_unknown_job_is_an_error(bridge: Bridge, use: Callable[[Bridge, str], object], job_id: str) -> None:
    with pytest.raises(JobNotFoundError, match=f"There is no job {job_id}"):
        use(bridge, job_id)


def test_the_first_reason_counts(bridge: Bridge, revoked: list[str]) -> None:
    start(bridge)

    bridge.cancel("j", reason="x" * 600 + "\udcff")
    bridge.cancel("j", reason="another one")

    assert bridge.job("j").cancel_reason == "x" * 500
    (event,) = [event for event in events(bridge) if event["action"] == "job_cancel_requested"]
    assert event["payload"]["reason"] == "x" * 500


def test_after_the_end_nothing_changes(bridge: Bridge, revoked: list[str]) -> None:
    bridge.store.append(NewEntry("j", "job_failed", "{}", "r", 1, state=JobState.FAILED))
    before = bridge.job("j")

    assert bridge.cancel("j", reason="too late", terminate_after=0) is JobState.FAILED

    assert bridge.job("j") == before
    assert revoked == []
    assert bridge.store.due_deadlines() == []


def test_what_still_runs_is_terminated_at_a_deadline(
    bridge: Bridge, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    asked: list[Any] = []
    monkeypatch.setattr(app.control, "revoke", lambda ids, terminate=False: asked.append((ids, terminate)))
    bridge.store.add_pending("j", "p", "t")
    start(bridge, execution=Execution("j", "p", "t", "n", 1))

    # When it is asked politely, then otherwise
    bridge.cancel("j")
    bridge.observer.look()
    assert asked == [(["t"], False)]
    bridge.cancel("j", terminate_after=0)
    bridge.observer.look()

    # Then
    assert asked == [(["t"], False), (["t"], True)]


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_time_that_cannot_be_meant_is_refused(bridge: Bridge, seconds: float) -> None:
    with pytest.raises(ConfigurationError, match="terminate_after"):
        bridge.cancel("j", terminate_after=seconds)

    assert not bridge.job("j").cancel_requested


def test_a_broker_that_does_not_answer_is_not_waited_for(
    bridge: Bridge, app: Celery, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    answer = Event()
    asked: list[Any] = []

    def never(ids: list[str]) -> None:
        asked.append(ids)
        answer.wait(30)

    monkeypatch.setattr(app.control, "revoke", never)
    monkeypatch.setattr("chanx.bridge.cancelling.REVOKE_SECONDS", 0.01)

    # When many jobs are cancelled
    began = time.monotonic()
    for number in range(20):
        bridge.store.create(record(f"j{number}"))
        bridge.cancel(f"j{number}")

    # Then only some wait for it, a moment each
    assert time.monotonic() - began < 20
    assert len(asked) == 8
    answer.set()


def test_what_no_worker_has_begun_is_not_waited_for(bridge: Bridge, revoked: list[str]) -> None:
    # Given one task that runs, and one that waits for a worker
    for number in (1, 2):
        bridge.store.add_pending("j", f"p{number}", f"t{number}")
    start(bridge, execution=Execution("j", "p1", "t1", "n", 1))

    # When
    assert bridge.cancel("j", reason="enough") is JobState.STARTED

    # Then
    assert bridge.store.pending("j") == {"p1": "t1"}
    assert sorted(revoked) == ["t", "t1", "t2"]


def test_a_job_that_only_waits_for_its_next_attempt_ends(bridge: Bridge, revoked: list[str]) -> None:
    bridge.store.add_pending("j", "p1", "t")
    run = start(bridge, execution=Execution("j", "p1", "t", "n", 1))
    bridge.store.add_pending("j", "p2", "t")
    run.send(outcome.retrying(RuntimeError()), task_id="", ending=Ending("p1", "none"))

    assert bridge.cancel("j", reason="enough") is JobState.CANCELLED

    assert events(bridge)[-1]["payload"] == {"reason": "enough"}


def test_a_job_is_deleted_once_it_has_ended(bridge: Bridge, revoked: list[str]) -> None:
    with pytest.raises(JobActiveError):
        bridge.delete("j")
    bridge.cancel("j")
    assert [job.job_id for job in bridge.jobs_of("user:1")] == ["j"]

    bridge.delete("j")

    assert bridge.jobs_of("user:1") == []


def test_an_app_without_a_bridge_is_told_the_line_to_add(app: Celery) -> None:
    with pytest.raises(ConfigurationError, match=r"chanx\.bridge\.install\(app"):
        bridge_of(app)
