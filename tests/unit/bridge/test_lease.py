"""What a worker holds: what it received and no child has begun, and until when what a child began that is dead now."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state

from chanx.bridge.context import HEADER, JobContext
from chanx.bridge.entry import Deadline, Execution
from chanx.bridge.observer import QUEUE_SECONDS, VISIBILITY_TIMEOUT
from chanx.bridge.store.base import StoreUnavailableError
from chanx.bridge.worker.janitor import Janitor
from chanx.bridge.worker.lease import DONE_PATIENCE, LOST_CHILD_PATIENCE, MAX_RECEIVED, Lease
from tests.unit.bridge.apps import BridgedApp, bridged_app
from tests.waiting import wait_until

WORKER = "host:1:a"


@pytest.fixture
def app() -> Iterator[BridgedApp]:
    with bridged_app(eager=False) as made:
        yield made
    state.requests.clear()


@pytest.fixture
def lease(app: BridgedApp) -> Lease:
    return Lease(app.bridge, WORKER, interval=0.01)


@dataclass(eq=False)
class Received:
    """A request of Celery's."""

    app: Any
    id: str
    request_dict: dict[str, Any]
    name: str = "tasks.t"
    task: Any = None


def receive(app: BridgedApp, publish_id: str, *, task_id: str = "t1", acks_late: bool = False) -> Execution:
    """As Celery notes a message that it got."""
    header = JobContext("j1", "user:1", task_id, publish_id=publish_id).to_header()
    state.requests[publish_id] = Received(
        app.app, task_id, {HEADER: header, "retries": 1}, task=SimpleNamespace(acks_late=acks_late)
    )
    return Execution("j1", publish_id, task_id, "tasks.t", 2, acks_late=acks_late, is_root=True)


@pytest.fixture(scope="module")
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_waits_for_longer_than_a_look_is_held_until_it_is_done_with(app: BridgedApp, lease: Lease) -> None:
    # Given
    waiting = receive(app, "p1", acks_late=True)
    lease.look()
    assert app.store.held(WORKER) == []

    # When
    receive(app, "p2")
    lease.look()

    # Then
    assert app.store.held(WORKER) == [waiting]

    # And when Celery is done with it
    state.requests.clear()
    lease.look()
    lease.look()
    assert app.store.held(WORKER) == []


def test_what_belongs_to_no_job_or_to_another_app_is_not_held(app: BridgedApp, lease: Lease) -> None:
    with bridged_app(eager=False) as other:
        receive(other, "p1")
        state.requests["plain"] = Received(app.app, "t2", {})
        lease.look()
        lease.look()

    assert app.store.held(WORKER) == []


def test_what_cannot_be_read_keeps_no_worker_from_looking_after_others(app: BridgedApp) -> None:
    overdue = receive(app, "p1")
    app.store.set_deadline(Deadline("stopped", overdue), seconds=0)
    state.requests["p1"].request_dict["retries"] = "many"

    Janitor(app.bridge, WORKER).look()

    assert app.store.due_deadlines() == []


def test_what_waits_for_its_time_is_not_held(app: BridgedApp, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(app, "p1")
    monkeypatch.setattr(state, "scheduled_requests", {state.requests["p1"]}, raising=False)

    lease.look()
    lease.look()

    assert app.store.held(WORKER) == []


def test_of_very_many_those_are_held_that_begin_next(app: BridgedApp, lease: Lease) -> None:
    for number in range(MAX_RECEIVED + 5):
        receive(app, f"p{number}")

    lease.look()
    lease.look()

    assert {held.publish_id for held in app.store.held(WORKER)} == {f"p{number}" for number in range(MAX_RECEIVED)}


def test_what_a_child_has_begun_meanwhile_stays_as_the_child_said(app: BridgedApp, lease: Lease) -> None:
    # Given
    received = receive(app, "p1")
    lease.look()
    begun = replace(received, run_id="r1", pid=os.getpid())
    app.store.hold(WORKER, [begun])

    # When
    lease.look()
    state.requests.clear()
    lease.look()
    lease.look()

    # Then
    assert app.store.held(WORKER) == [begun]


@pytest.mark.parametrize("acks_late", [False, True])
def test_what_celery_is_done_with_has_an_end_though_the_store_lost_it(app: BridgedApp, acks_late: bool) -> None:
    # Given a run the end of which the store had, and lost
    lease = Lease(app.bridge, WORKER, clock=lambda: app.clock.now)
    begun = Execution("j1", "p1", "t1", "tasks.t", 1, run_id="r1", acks_late=acks_late, pid=os.getpid())
    app.store.hold(WORKER, [begun])

    # When
    lease.look()
    app.clock.now += DONE_PATIENCE - 0.1
    lease.look()
    assert app.store.held(WORKER) == [begun]
    app.clock.now += 0.2
    lease.look()

    # Then
    assert app.store.held(WORKER) == []
    app.clock.now += LOST_CHILD_PATIENCE
    assert [(due.kind, due.execution) for due in app.store.due_deadlines()] == [("stopped", begun)]


@pytest.mark.parametrize("place", ["requests", "active_requests"])
def test_what_celery_runs_is_not_over_however_long_it_takes(
    app: BridgedApp, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(app.bridge, WORKER, clock=lambda: app.clock.now)
    begun = replace(receive(app, "p1"), run_id="r1", pid=os.getpid())
    app.store.hold(WORKER, [begun])
    request = state.requests.pop("p1")
    monkeypatch.setattr(state, place, {request.id: request} if place == "requests" else {request})

    for _ in range(5):
        lease.look()
        app.clock.now += DONE_PATIENCE

    assert app.store.held(WORKER) == [begun]


def test_what_celery_has_again_meanwhile_is_given_its_time_anew(
    app: BridgedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(app.bridge, WORKER, clock=lambda: app.clock.now)
    begun = replace(receive(app, "p1"), run_id="r1", pid=os.getpid())
    app.store.hold(WORKER, [begun])
    request = state.requests.pop("p1")

    for known in ({}, {request.id: request}, {}):
        monkeypatch.setattr(state, "requests", known)
        lease.look()
        app.clock.now += DONE_PATIENCE - 1

    assert app.store.held(WORKER) == [begun]


@pytest.mark.parametrize(
    ("acks_late", "kind", "seconds"),
    [(False, "stopped", LOST_CHILD_PATIENCE), (True, "redelivery", VISIBILITY_TIMEOUT + QUEUE_SECONDS)],
)
def test_what_a_dead_child_had_is_given_a_deadline_once(
    app: BridgedApp, lease: Lease, dead_pid: int, acks_late: bool, kind: str, seconds: float
) -> None:
    # Given
    begun = Execution("j1", "p1", "t1", "tasks.t", 1, run_id="r1", acks_late=acks_late, pid=dead_pid)
    app.store.hold(WORKER, [begun])

    # When
    for _ in range(3):
        lease.look()

    # Then
    assert app.store.held(WORKER) == []
    app.clock.now += seconds - 0.1
    assert app.store.due_deadlines() == []
    app.clock.now += 0.1
    assert [(due.kind, due.execution) for due in app.store.due_deadlines()] == [(kind, begun)]


def test_a_lease_that_is_given_up_with_nothing_begun_leaves_nothing(app: BridgedApp, lease: Lease) -> None:
    lease.start()
    app.store.hold(WORKER, [Execution("j1", "p1", "t1", "tasks.t", 1)])

    lease.stop()

    assert (app.store.leases(), app.store.held(WORKER)) == ({}, [])


def test_a_lease_that_is_given_up_in_the_middle_of_a_task_lapses(app: BridgedApp, lease: Lease) -> None:
    begun = Execution("j1", "p1", "t1", "tasks.t", 1, run_id="r1", pid=1)
    lease.start()
    app.store.hold(WORKER, [begun, Execution("j1", "p2", "t2", "tasks.t", 1)])

    lease.stop()

    assert list(app.store.leases()) == [WORKER]
    assert app.store.held(WORKER) == [begun]


@pytest.mark.parametrize("error", [StoreUnavailableError("away"), RuntimeError("a bug in a store")])
def test_it_is_renewed_on_and_on_whatever_happens(
    app: BridgedApp, lease: Lease, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    # Given a store that is away at first
    renewals: list[str] = []

    def renew(worker: str) -> None:
        renewals.append(worker)
        if len(renewals) < 4:
            raise error

    monkeypatch.setattr(app.store, "renew_lease", renew)

    # When
    lease.start()
    wait_until(lambda: len(renewals) > 5, what="renewals")
    lease.stop()

    # Then
    assert not any(thread.name == "chanx-lease" for thread in threading.enumerate())
    assert set(renewals) == {WORKER}


def test_a_store_that_is_away_when_the_worker_stops(
    app: BridgedApp, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise StoreUnavailableError("away")

    lease.start()
    monkeypatch.setattr(app.store, "held", away)

    lease.stop()

    assert list(app.store.leases()) == [WORKER]
