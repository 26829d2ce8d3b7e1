"""What a store says of a job's ``latest`` events and of its end, so that a watcher finds what the layer has lost."""

from enum import Enum
from typing import Literal

from chanx.bridge.encoding import Origin, encode_event
from chanx.bridge.entry import Head, NewEntry
from chanx.bridge.events import JobEvent
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from tests.contract.jobs import Run, snapshot_of


def latest(run: Run, action: str, value: str) -> NewEntry:
    run.n += 1
    return NewEntry(run.job_id, action, "{}", run.run_id, run.n, "latest", attempt=1, patch={action: value})


def test_the_snapshot_tells_which_latest_event_is_how_new(store: JobStore, job_id: str) -> None:
    # Given a job whose log has an event too, which is none of them
    run = Run(store, job_id)
    run.append(patch={"result": "1"})

    # When
    for action, value in [("job_progress", "1"), ("statistics", "2"), ("job_progress", "3")]:
        store.append(latest(run, action, value))

    # Then
    snapshot = store.snapshot(job_id)
    assert snapshot is not None
    assert snapshot.latest == {"job_progress": 3, "statistics": 2}
    assert snapshot.rev == 3
    assert snapshot.fields == {"result": 1, "job_progress": 3, "statistics": 2}
    assert "latest" not in snapshot.model_dump()


def test_a_repeated_latest_event_is_not_newer(store: JobStore, job_id: str) -> None:
    entry = latest(Run(store, job_id), "job_progress", "1")
    store.append(entry)

    store.append(entry)

    snapshot = store.snapshot(job_id)
    assert snapshot is not None
    assert snapshot.latest == {"job_progress": 1}


class Kind(Enum):
    STATISTICS = "statistics"


class Statistics(JobEvent):
    delivery = "latest"
    action: Literal[Kind.STATISTICS] = Kind.STATISTICS
    payload: int


def test_one_whose_action_is_of_an_enumeration(store: JobStore, job_id: str) -> None:
    entry = encode_event(Statistics(payload=3), Origin(job_id, "t1", 1, "run"), 1)

    store.append(entry)

    snapshot = snapshot_of(store, job_id)
    assert (snapshot.fields, snapshot.latest) == ({"statistics": 3}, {"statistics": 1})


def test_the_head_tells_of_the_end(store: JobStore, job_id: str) -> None:
    run = Run(store, job_id)
    run.append(state=JobState.STARTED)
    (before,) = store.heads([job_id])

    run.append(state=JobState.SUCCEEDED)

    (after,) = store.heads([job_id])
    assert before is not None
    assert not before.ended
    assert after == Head(before.epoch, 2, 0, complete=False, ended=True)
