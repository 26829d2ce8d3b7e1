"""Cancelling from code: what is asked of whom, and what happens where one of them is away."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from celery import Celery

from chanx.bridge.entry import NewEntry
from chanx.bridge.installed import Bridge, bridge_of
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.memory import MemoryJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.errors import ConfigurationError, JobNotFoundError
from chanx.layers import MemoryPublisher


@pytest.fixture
def app() -> Iterator[Celery]:
    made = Celery("cancelling", broker="memory://", set_as_current=False)
    yield made
    made.close()


@pytest.fixture
def bridge(app: Celery) -> Bridge:
    store = MemoryJobStore()
    store.create(JobRecord(job_id="j", owner="user:1", name="n", task_id="t", created_at=datetime.now(UTC)))
    return Bridge(app, store, DirectTransport(store, MemoryPublisher()))


@pytest.fixture
def revoked(app: Celery, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the tasks that Celery was asked to revoke."""
    asked: list[str] = []
    monkeypatch.setattr(app.control, "revoke", asked.extend)
    return asked


def actions(bridge: Bridge) -> list[str]:
    page = bridge.store.read("j", after=0, limit=100)
    assert page is not None
    return [entry.event.split('"')[3] for entry in page.entries]


def test_a_job_that_waits_ends_here_and_now(bridge: Bridge, revoked: list[str]) -> None:
    assert bridge.cancel("j", reason="enough") is JobState.CANCELLED
    assert bridge.cancel("j") is JobState.CANCELLED

    assert actions(bridge) == ["job_cancel_requested", "job_cancelled"]
    assert revoked == ["t"]


def test_a_job_that_runs_is_asked_to_stop_once(bridge: Bridge, revoked: list[str]) -> None:
    bridge.store.append(NewEntry("j", "job_started", '{"action":"job_started"}', "r", 1, state=JobState.STARTED))

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


def test_an_unknown_job_is_an_error(bridge: Bridge) -> None:
    with pytest.raises(JobNotFoundError, match="There is no job nope"):
        bridge.cancel("nope")


def test_an_app_without_a_bridge_is_told_the_line_to_add(app: Celery) -> None:
    with pytest.raises(ConfigurationError, match=r"chanx\.bridge\.install\(app"):
        bridge_of(app)
